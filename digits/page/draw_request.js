// Ask the server what a drawing says. Relative to Gradio's root, which a proxy may have moved.

const DRAW_URL = new URL('v1/draw', `${(window.gradio_config?.root ?? location.href.split(/[?#]/)[0]).replace(/\/$/, '')}/`)

// The answer, or undefined where the server cannot be reached.
async function readDrawing(mode, strokes) {
  try {
    const response = await fetch(DRAW_URL, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ mode, strokes }),
    })
    const answer = await response.json()
    if (answer.code === 'warming') return { kind: 'warming' }
    if (response.status === 422) return { kind: 'refused' }
    if (!response.ok) return undefined
    if (mode === 'number') return { kind: 'number', size: [padWidth(), PAD_HEIGHT], ...answer }
    if (answer.reason === 'blank') return { kind: 'blank', mode: 'picture', ...answer }
    return { kind: 'digit', ...answer }
  } catch {
    return undefined
  }
}
