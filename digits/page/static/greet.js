// On the first visit an example is replayed. A touch or key press during the replay clears it, as
// does the first one on the pad afterwards.

const GREETED = 'digits:greeted'
const GREETING = '3'
const GREET_MS = 700

let greeting = false

// False if nothing can be stored, or every visit would count as the first.
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
  if (onPad || replaying) startBlank()
}

// Captured, to run before the pad's own listeners.
document.addEventListener('pointerdown', endGreeting, { capture: true })
document.addEventListener('keydown', endGreeting, { capture: true })

setTimeout(greet, GREET_MS)
