// What the answer and the look inside paint over the drawing. Each painter has one picture; a map
// that one points at covers what spoke for the answer, which a change of the drawing takes away.

const overlay = sketchpad.querySelector('.overlay')
const overlaySay = sketchpad.querySelector('.overlay-say')
const painted = { why: null, inside: null }

function placeOver(node, [x, y, width, height]) {
  const part = (value) => `${(100 * value) / PAD_HEIGHT}%`
  Object.assign(node.style, { left: part(x), top: part(y), width: part(width), height: part(height) })
}

function showOverlay() {
  const by = painted.inside ? 'inside' : 'why'
  const { pixels, area, spot, say } = painted[by] || {}
  overlay.hidden = !pixels
  overlay.dataset.by = by
  overlaySay.replaceChildren(...(say || []).map(([kind, sentence]) => {
    const node = document.createElement('span')
    node.className = kind
    node.textContent = sentence
    return node
  }))
  if (!pixels) return
  const [shown, mark] = overlay.children
  shown.width = pixels.width
  shown.height = pixels.height
  shown.getContext('2d').putImageData(pixels, 0, 0)
  placeOver(shown, area)
  mark.hidden = !spot
  if (spot) placeOver(mark, spot)
}

function clearWhy() {
  painted.why = null
  showOverlay()
}

document.addEventListener('digits:overlay', ({ detail: { by, picture } }) => {
  painted[by] = picture
  showOverlay()
})

// Before the answer's own listeners, which paint anew.
document.addEventListener('digits:answer', ({ detail }) => {
  if (detail.source === 'draw') clearWhy()
}, { capture: true })
sketchpad.addEventListener('pointerdown', clearWhy)
