// The network and its runtime, embedded in the page: a page opened from disk may not fetch files.

async function unpack(id) {
  const packed = document.getElementById(id)
  const letters = atob(packed.textContent)
  packed.remove()
  const bytes = new Uint8Array(letters.length)
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = letters.charCodeAt(i)
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

// Resolves to a function from the 784 values of an image to the named outputs, by default the
// calibrated probabilities. Other outputs are not copied.
async function loadNetwork() {
  // The embedded files come last in the page, so that one can draw before they have arrived.
  if (document.readyState === 'loading') await new Promise((arrived) => { addEventListener('DOMContentLoaded', arrived) })
  const script = new Blob([await unpack('runtime-script')], { type: 'text/javascript' })
  const address = URL.createObjectURL(script)
  const { InferenceSession, Tensor, env } = await import(address)
  URL.revokeObjectURL(address)
  env.wasm.wasmBinary = await unpack('runtime-wasm')
  env.wasm.numThreads = 1 // more need a server that sets cross-origin isolation
  const session = await InferenceSession.create(await unpack('model'), { executionProviders: ['wasm'] })
  const [input] = session.inputNames
  const [probabilities] = session.outputNames
  return async (image, names = [probabilities]) => {
    const results = await session.run({ [input]: new Tensor('float32', image, [1, IMAGE_SIDE, IMAGE_SIDE, 1]) }, names)
    return names.map((name) => results[name].data)
  }
}
