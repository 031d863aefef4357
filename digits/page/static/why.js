// "Why?": which ink spoke for the answer, or for another digit whose bar was pressed; painted on the
// pad and on the 28 x 28 image, and put into words. Requested only while switched on, and only for
// final answers.

const FOR = [96, 165, 250]
const AGAINST = [251, 146, 60]
const FAINT = 0.1 // a place is mentioned if its share is more than this part of the strongest

const whyButton = element.querySelector('.why')

let whyOn = false
let whyOther = null // the pressed bar's digit; null for the answer itself
let whyAnswer = null // the answer that can be explained
let whyAsked = 0
let whyLabels = null // the current state of the buttons

// For a rejected answer, the most likely digit.
const whyDigit = () => whyOther ?? topDigit(whyAnswer)

// `final`: the answer is new and the pen is up.
function offerWhy({ answer, final }) {
  whyAnswer = answer.kind === 'digit' && answer.image ? answer : null
  whyAsked += 1
  if (!whyAnswer) whyOther = null
  if (final) {
    whyOther = null
    explain()
  }
  labelWhy()
}

// Answers come every few frames while the pen moves, so the DOM is only updated on changes.
function labelWhy() {
  const on = whyOn && whyAnswer !== null
  const labels = whyAnswer ? `${on} ${whyDigit()}` : ''
  if (labels === whyLabels) return
  whyLabels = labels
  whyButton.disabled = !whyAnswer
  whyButton.setAttribute('aria-pressed', on)
  whyButton.textContent = whyAnswer ? word('why', whyDigit()) : word('why_short')
  if (on) element.querySelector('.legend-why .for').textContent = word('why_for', whyDigit())
  else seenImage.setAttribute('aria-label', word('seen_image_label'))
  digitRows.forEach((item, digit) => {
    item.firstChild.disabled = !whyAnswer
    item.firstChild.title = whyAnswer ? word('why', digit) : ''
    item.firstChild.setAttribute('aria-pressed', on && digit === whyDigit())
  })
}

async function explain() {
  if (!whyOn || !whyAnswer) return
  whyAsked += 1
  const [asked, digit, answer] = [whyAsked, whyDigit(), whyAnswer]
  const { image, network } = answer
  const view = await server.read_why(image, digit, network ?? null)
  if (asked !== whyAsked || !view || !view.shares) return
  const shares = Array.from(new Int8Array(decodeBytes(view.shares).buffer), (share) => share / 127)
  paintImage(seenImage, image, (ink, i) => {
    const color = shares[i] > 0 ? FOR : AGAINST
    const part = Math.abs(shares[i]) ** 0.5
    return color.map((value) => 0.45 * ink * (1 - part) + value * part)
  })
  const sentences = sayWhy(shares, digit)
  const said = sentences.map(([, sentence]) => sentence).join(' ')
  paintPad(answer, shares, sentences)
  if (source === 'upload') setSay(said)
  seenImage.setAttribute('aria-label', said)
  announce.textContent = `${prediction.textContent}. ${said}`
}

// The pad shows color on ink only, so each pixel spreads to its neighbors to cover the whole stroke.
function paintPad(answer, shares, say) {
  const toPad = frameOnPad(answer)
  if (!toPad) return
  const pixels = makePixels(28, 28, (i) => {
    const near = [-29, -28, -27, -1, 0, 1, 27, 28, 29].map((step) => shares[i + step] ?? 0)
    const share = near.reduce((most, other) => (Math.abs(other) > Math.abs(most) ? other : most))
    return [...(share > 0 ? FOR : AGAINST), 255 * Math.abs(share) ** 0.5]
  })
  tell('digits:overlay', { by: 'why', picture: { pixels, area: toPad([0, 0, 28, 28]), say } })
}

// Sentences: which ninth of the image speaks most for the digit, and which most against it.
function sayWhy(shares, digit) {
  const places = Array(9).fill(0)
  shares.forEach((share, i) => {
    places[3 * Math.floor(i / 28 / 28 * 3) + Math.floor((i % 28) / 28 * 3)] += share
  })
  const [most, least] = [Math.max(...places), Math.min(...places)]
  const worth = FAINT * Math.max(most, -least)
  const at = (value) => word(`place_${places.indexOf(value)}`)
  const said = []
  if (most > worth) said.push(['for', word('why_says_for', digit, at(most))])
  if (-least > worth) said.push(['against', word('why_says_against', digit, at(least))])
  return said.length ? said : [['', word('why_says_nothing', digit)]]
}

function askWhy(on, other) {
  whyOn = on
  whyOther = other
  labelWhy()
  if (on) explain()
  else {
    show(answers[source], false)
    tell('digits:overlay', { by: 'why', picture: null })
  }
}

labelWhy()
whyButton.addEventListener('click', () => askWhy(!whyOn, null))
bars.addEventListener('click', (event) => {
  const item = event.target.closest('[data-digit]')
  if (!item || !whyAnswer) return
  const digit = Number(item.dataset.digit)
  askWhy(!(whyOn && digit === whyDigit()), digit)
})
document.addEventListener('digits:answered', ({ detail }) => offerWhy(detail))
document.addEventListener('digits:source', ({ detail }) => { if (detail === source) explain() })
