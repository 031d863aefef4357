// A collapsible part: while open it sends requests about the last answer, one at a time and at
// lower priority than the pen's.

const ASK_MS = 250 // minimum time between two requests

const fold = element.querySelector('.fold')

let wanted = null // what to ask about: an answer, and the topic that it belongs to
let presented = null // the answer shown
let asking = false

async function askWhileOpen(name, question, present) {
  if (asking) return
  asking = true
  while (fold.open && wanted && wanted.answer !== presented) {
    const [asked, pause] = [wanted, sleep(ASK_MS)]
    const found = await askLater(name, question(asked.answer))
    // While the visitor draws, a newer answer may be wanted by now; after Clear this one is dropped.
    if (found && wanted?.topic === asked.topic) {
      presented = asked.answer
      present(found)
    }
    await pause
    if (!found && wanted === asked) break // failed, and nothing new to ask about
  }
  asking = false
}

// While closed, it does nothing.
function lookWhileOpen(lookAt) {
  document.addEventListener('digits:shown', ({ detail }) => { if (fold.open) lookAt(detail) })
  fold.addEventListener('toggle', () => { if (fold.open) tell('digits:look') })
}
