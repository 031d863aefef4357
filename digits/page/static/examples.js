// Example drawings that replay when pressed: one button per digit, then a row of harder ones.

function drawingButton(drawing, label) {
  const lines = drawing.map(([width, ...points]) => `<polyline points="${points.join(' ')}" stroke-width="${width * 1.5}"/>`)
  const innerHTML = `<svg viewBox="0 0 ${PAD_HEIGHT} ${PAD_HEIGHT}" aria-hidden="true">${lines.join('')}</svg>`
  const button = make('button', { type: 'button', innerHTML })
  button.setAttribute('aria-label', label)
  onPress(button, () => replay(drawing))
  return button
}

for (const { name, strokes: drawing } of props.settings.examples) {
  const isEasy = name.length === 1
  const label = isEasy ? 'example' : Number(name) ? 'example_number' : `example_${name}`
  const button = drawingButton(drawing, word(label, name))
  button.dataset.example = name
  button.title = isEasy ? '' : word(label, name)
  element.querySelector(isEasy ? '.examples' : '.hard').append(button)
}

// Animate a drawing at the pace of a quick hand.
async function replay(drawing) {
  if (pen !== null) return
  change([])
  const run = Symbol('replay')
  replaying = run
  if (!calm.matches) {
    const total = drawing.reduce((sum, stroke) => sum + stroke.length, 0)
    const perFrame = Math.max(4, 2 * Math.ceil(total / 2 / 40))
    for (const whole of drawing) {
      const stroke = whole.slice(0, 3)
      strokes = [...strokes, stroke]
      while (stroke.length < whole.length) {
        const last = stroke.length
        stroke.push(...whole.slice(last, last + perFrame))
        strokeFrom(stroke, last - 2)
        refresh()
        ask(false)
        await new Promise(requestAnimationFrame)
        if (run !== replaying) return
      }
    }
  }
  change(drawing.map((stroke) => [...stroke]), false)
  ask(true)
}
