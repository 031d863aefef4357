// "Was this right?" Only where the owner keeps corrections, and only for visitors who agree.

const correctPart = element.querySelector('.correct')
const correctRow = element.querySelector('.correct-row')
const correctSaid = element.querySelector('.correct-said')
const consent = element.querySelector('.consent')

let correctAnswer = null // the answer that can be corrected
let correctAsked = 0

function offerCorrection(answer, final) {
  if (!props.settings.corrections) return
  const known = final && answer.kind === 'digit' && answer.image
  correctAsked += 1
  correctAnswer = known ? answer : null
  correctSaid.textContent = ''
  correctButtons(known)
}

function correctButtons(enabled) {
  for (const button of correctRow.querySelectorAll('button')) button.disabled = !enabled
}

async function sendCorrection(digit) {
  correctAsked += 1
  const asked = correctAsked
  correctButtons(false)
  correctSaid.textContent = word('correct_keeping')
  const view = await server.keep_correction(consent.checked, correctAnswer.image, digit)
  if (asked !== correctAsked) return
  const kept = view && view.kind === 'kept'
  correctSaid.textContent = kept ? word('correct_kept', props.settings.corrections) : word('correct_failed')
  if (!kept) correctButtons(true)
}

function listenForCorrections() {
  const { corrections } = props.settings
  if (!corrections) return
  correctPart.hidden = false
  correctPart.querySelector('.consent-text').textContent = word('correct_consent', corrections)
  const digits = [...Array(10).keys(), null].map((digit) => {
    const button = document.createElement('button')
    button.type = 'button'
    button.textContent = digit ?? word('correct_none')
    button.disabled = true
    button.addEventListener('click', () => sendCorrection(digit))
    return button
  })
  correctRow.querySelector('.correct-digits').append(...digits)
  // Browsers remember boxes that were ticked; agreement holds for one visit.
  consent.checked = false
  consent.addEventListener('change', () => { correctRow.hidden = !consent.checked })
}
