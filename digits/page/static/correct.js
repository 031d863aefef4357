// "Was this right?", only if the owner collects corrections. "No" asks for the right digit and for
// consent; nothing is sent before that.

const { corrections } = props.settings // the dataset

const correctPart = element.querySelector('.correct')
const correctSaid = element.querySelector('.correct-said')
const correctMore = element.querySelector('.correct-more')
const [correctYes, correctNo] = correctPart.querySelectorAll('button')
const correctDigits = correctMore.querySelector('[role=group]')
const consent = element.querySelector('.consent')

let correctAnswer = null // the answer that can be corrected
let correctAsked = 0

function offerCorrection({ answer, final }) {
  correctAsked += 1
  correctAnswer = final && answer.kind === 'digit' && answer.image && !answer.network ? answer : null
  askRight(correctAnswer, '')
}

// Ask about the answer, if there is one; `said` is shown below.
function askRight(answer, said) {
  correctYes.disabled = correctNo.disabled = !answer
  openCorrection(false)
  correctSaid.textContent = said
}

function openCorrection(open) {
  correctMore.hidden = !open
  correctNo.setAttribute('aria-expanded', open)
  correctSaid.textContent = ''
  enableDigits(consent.checked)
}

function enableDigits(enabled) {
  for (const button of correctDigits.children) button.disabled = !enabled
}

async function sendCorrection(digit) {
  correctAsked += 1
  const asked = correctAsked
  enableDigits(false)
  correctSaid.textContent = word('correct_keeping')
  const view = await server.keep_correction(consent.checked, correctAnswer.image, digit)
  if (asked !== correctAsked) return
  if (view?.kind === 'kept') {
    askRight(null, word('correct_kept', corrections))
  } else {
    enableDigits(consent.checked)
    correctSaid.textContent = word('correct_failed')
  }
}

correctPart.hidden = false
correctPart.querySelector('.consent-text').textContent = word('correct_consent', corrections)
correctDigits.append(...[...Array(10).keys(), null].map((digit) => {
  const button = make('button', { type: 'button' }, digit ?? word('correct_none'))
  button.addEventListener('click', () => sendCorrection(digit))
  return button
}))
// Browsers may restore a ticked box, but consent is for one visit.
consent.checked = false
consent.addEventListener('change', () => enableDigits(consent.checked))
correctYes.addEventListener('click', () => askRight(null, word('correct_thanks')))
correctNo.addEventListener('click', () => openCorrection(correctMore.hidden))
document.addEventListener('digits:answered', ({ detail }) => offerCorrection(detail))
