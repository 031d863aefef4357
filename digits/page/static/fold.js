// A part that is opened: while open it asks about the last answer, after the pen's own questions
// and never more than one question at a time.

const ASK_MS = 250 // least time between two questions

const fold = element.querySelector('.fold')

let wanted = null // what to ask about: an answer, and the topic that it belongs to
let presented = null // the answer that the part shows
let asking = false

async function askWhileOpen(name, question, present) {
  if (asking) return
  asking = true
  while (fold.open && wanted && wanted.answer !== presented) {
    const [asked, pause] = [wanted, sleep(ASK_MS)]
    const found = await askLater(name, question(asked.answer))
    // While one draws, the next answer is there already; after Clear this one is of no use.
    if (found && wanted?.topic === asked.topic) {
      presented = asked.answer
      present(found)
    }
    await pause
    if (!found && wanted === asked) break // no answer, and nothing new to ask about
  }
  asking = false
}

// Closed, it neither listens nor asks.
function lookWhileOpen(lookAt) {
  document.addEventListener('digits:shown', ({ detail }) => { if (fold.open) lookAt(detail) })
  fold.addEventListener('toggle', () => { if (fold.open) tell('digits:look') })
}
