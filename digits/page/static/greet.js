// On the first visit an example draws itself. The first touch ends that; one of the pad, or a key
// pressed there, finds it empty.

const GREETED = 'digits:greeted'
const GREETING = '3'
const GREET_MS = 700

let greeting = false

// Not where nothing can be kept: it would greet at every visit.
const isFirstVisit = () => !readStore('localStorage', GREETED) && writeStore('localStorage', GREETED, 1)

function greet() {
  if (strokes.length || replaying || calm.matches || document.hidden || !isFirstVisit()) return
  greeting = true
  replay(props.settings.examples.find(({ name }) => name === GREETING).strokes)
}

function endGreeting(event) {
  if (!greeting) return
  const onPad = sketchpad.contains(event.target)
  if (!onPad && !replaying && !root.contains(event.target)) return
  greeting = false
  if (!onPad && !replaying) return
  replaying = null
  startBlank()
}

// Before the pad's own listeners.
document.addEventListener('pointerdown', endGreeting, { capture: true })
document.addEventListener('keydown', endGreeting, { capture: true })

setTimeout(greet, GREET_MS)
