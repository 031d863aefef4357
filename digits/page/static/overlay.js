// What the answer and the look inside paint over the drawing. Each painter has one picture; a map
// that one points at covers what spoke for the answer, which a change of the drawing takes away.

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

// Before the answer's own listeners, which paint anew.
document.addEventListener('digits:answer', ({ detail }) => {
  if (detail.source === 'draw') paint('why', null)
}, { capture: true })
sketchpad.addEventListener('pointerdown', () => paint('why', null))
