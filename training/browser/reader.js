// Reads drawings in the browser, in place of the app's server (digits/recognizer.py).

function readProbabilities(image, probabilities) {
  const digits = [...probabilities.slice(0, 10)]
  const score = Math.max(...digits)
  const sum = digits.reduce((total, value) => total + value, 0)
  const rejected = score < ABOUT.rejection_threshold
  return {
    kind: 'digit',
    digit: rejected ? null : digits.indexOf(score),
    reason: rejected ? 'not a digit' : null,
    confidences: digits.map((value) => value / sum),
    score,
    image: encodeBytes(image, 255),
    model: ABOUT.model,
  }
}

// One byte per value in base64, as digits/page/views.py encodes an image.
function encodeBytes(values, scale) {
  return btoa(Array.from(values, (value) => String.fromCharCode(roundEven(value * scale))).join(''))
}

let network = null
let problem = null
let queue = loadNetwork().then(
  (ready) => { network = ready },
  (error) => {
    console.error(error)
    problem = `${word('cannot_load')} (${error.message})`
  },
)

// Queued, as the runtime computes one answer at a time.
function compute(image, names) {
  const values = queue.then(() => network(image, names))
  queue = values.catch(() => {})
  return values
}

async function readStrokes(strokes) {
  const image = normalize(drawStrokes(strokes))
  if (!image) return { kind: 'blank', model: ABOUT.model }
  const [probabilities] = await compute(image)
  return readProbabilities(image, probabilities)
}

// Called by the pad, in place of digits/page/static/draw_request.js.
async function readDrawing(strokes) {
  if (problem) return { kind: 'problem', text: problem }
  if (!network) return { kind: 'warming' }
  return logFailure(readStrokes(strokes)) // undefined after an error: the pad tries again
}

// Called by "Look inside", in place of digits/page/static/ask_later.js and digits/server/inside.py.
function askLater(_, { image }) {
  return problem ? null : logFailure(readLayers(image))
}

async function readLayers(image) {
  const ink = Float32Array.from(decodeBytes(image), (value) => value / 255)
  const values = await compute(ink, ABOUT.layers.map(({ name }) => name))
  // A layer's maximum becomes 255.
  const encoded = values.map((layer) => encodeBytes(layer, 255 / (maximum(layer) || 1)))
  return { layers: ABOUT.layers.map((layer, i) => ({ ...layer, values: encoded[i] })) }
}

const logFailure = (answer) => answer.catch((error) => console.error(error))

const server = {
  async read_status() {
    return { ready: network !== null, weights: ABOUT.weights, problem, model: ABOUT.model }
  },
}

// For other scripts and the tests: strokes in, answer out.
globalThis.digits = { read: readStrokes }
