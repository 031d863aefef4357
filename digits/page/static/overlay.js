// Overlays on the drawing: the explanation of an answer, and a feature map, which takes precedence.
// A change of the drawing removes the explanation.

const overlay = sketchpad.querySelector('.overlay')
const overlaySay = sketchpad.querySelector('.overlay-say')
const painted = { why: null, inside: null }

function paint(by, picture) {
  painted[by] = picture
  const shown = painted.inside ? 'inside' : 'why'
  const { pixels, area, spot, say } = painted[shown] || {}
  overlay.hidden = !pixels
  overlay.dataset.by = shown
  overlaySay.replaceChildren(...(say || []).map(([className, sentence]) => make('span', { className }, sentence)))
  if (!pixels) return
  const [map, mark] = overlay.children
  paintPixels(map, pixels)
  placeOver(map, area, PAD_HEIGHT, PAD_HEIGHT)
  mark.hidden = !spot
  if (spot) placeOver(mark, spot, PAD_HEIGHT, PAD_HEIGHT)
}

document.addEventListener('digits:overlay', ({ detail }) => paint(detail.by, detail.picture))

// Captured, to run before the answer's listeners, which may paint again.
document.addEventListener('digits:answer', ({ detail }) => {
  if (detail.source === 'draw') paint('why', null)
}, { capture: true })
sketchpad.addEventListener('pointerdown', () => paint('why', null))
