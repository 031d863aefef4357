// The answer: the digit, ten bars, the picture that the network saw, and which weights answer.
// Answers come from the pad (an event) and from the upload tab (this component's value); each
// source keeps its last one, and the open tab's is shown.

const STATUS_MS = 700
const SURE = 0.8 // below this calibrated confidence a runner-up is named
const RIVAL = 0.1 // a runner-up that is worth naming
const WIDE = 1.1 // width to height of what may be several digits
const SUREST = 0.999 // no answer is quite certain, so none is rounded up to 100 %

const root = element.querySelector('.answer')
const prediction = element.querySelector('#prediction')
const bars = element.querySelector('#confidence')
const reading = element.querySelector('.reading')
const seenPicture = element.querySelector('.seen-picture')
const seenImage = element.querySelector('.seen-image canvas')
const announce = element.querySelector('.announce')
const percent = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 })

const answers = { draw: { kind: 'blank', mode: 'digit' }, upload: { kind: 'blank', mode: 'upload' } }
let source = 'draw'
let model = null // the weights that the line at the bottom speaks of

// ---- bars ----------------------------------------------------------------------------------

// A bar that can be asked why is a button, any other is not.
function row(digit, tag) {
  const item = document.createElement('li')
  item.dataset.digit = digit
  const inside = document.createElement(tag)
  inside.className = 'row'
  inside.innerHTML = '<span class="row-digit"></span><span class="track" aria-hidden="true"><i></i></span><span class="row-value"></span>'
  inside.firstChild.textContent = digit
  item.append(inside)
  return item
}

function setRow(item, confidence) {
  item.dataset.confidence = confidence === null ? 0 : confidence
  item.querySelector('i').style.setProperty('--part', confidence === null ? 0 : confidence)
  item.querySelector('.row-value').textContent = confidence === null ? '' : percent.format(Math.min(confidence, SUREST))
}

function setBars(confidences) {
  const top = confidences && confidences.indexOf(Math.max(...confidences))
  ;[...bars.children].forEach((item, digit) => {
    setRow(item, confidences ? confidences[digit] : null)
    item.classList.toggle('top', digit === top)
  })
}

function setReading(digits) {
  bars.hidden = Boolean(digits)
  reading.hidden = !digits
  reading.replaceChildren(...(digits || []).map((read) => {
    const item = row(read.digit, 'span')
    setRow(item, read.confidence)
    return item
  }))
}

// ---- pictures ------------------------------------------------------------------------------

function setImage(encoded) {
  const context = seenImage.getContext('2d')
  context.clearRect(0, 0, 28, 28)
  seenImage.classList.toggle('filled', Boolean(encoded))
  if (encoded) paintImage(encoded, (ink) => [ink, ink, ink])
}

// Paint 28 x 28 bytes; `color` turns the ink of a pixel, 0 to 255, and its place into a colour.
function paintImage(encoded, color) {
  const context = seenImage.getContext('2d')
  const pixels = context.createImageData(28, 28)
  const bytes = atob(encoded)
  for (let i = 0; i < 784; i += 1) pixels.data.set([...color(bytes.charCodeAt(i), i), 255], 4 * i)
  context.putImageData(pixels, 0, 0)
}

function setPicture(answer) {
  seenPicture.hidden = !answer.picture
  if (!answer.picture) return
  seenPicture.querySelector('img').src = answer.picture
  const [width, height] = answer.size
  seenPicture.querySelector('.boxes').replaceChildren(
    ...(answer.boxes || []).map((box) => boxOver(box, width, height)),
  )
}

// ---- words ---------------------------------------------------------------------------------

// What stands large, what is added to it, and the small line under it.
const SAY = {
  blank: (answer) => ['', '', word(`blank_${answer.mode === 'digit' ? 'draw' : answer.mode}`)],
  warming: () => ['', '', word('warming')],
  offline: () => ['', '', word('offline')],
  refused: () => ['', '', word('refused')],
  full: () => ['', '', word('pad_full')],
  problem: (answer) => ['', '', answer.text],
  number: (answer) => (answer.number ? [answer.number, '', ''] : ['', '', word('no_number')]),
  digit: sayDigit,
}

function certainty(score) {
  return score > SUREST ? `> ${percent.format(SUREST)}` : percent.format(score)
}

function sayDigit(answer) {
  const order = answer.confidences.map((value, digit) => [value, digit]).sort((a, b) => b[0] - a[0])
  const [[first, digit], [second, rival]] = order
  if (answer.digit === null) return ['', word('no_digit'), sayNearest(answer, digit)]
  if (first < SURE && second > RIVAL) return [digit, word('unsure', rival), word('unsure_say')]
  // The score also counts what speaks against any digit at all.
  if (answer.score < SURE) return [digit, '', word('doubtful', certainty(answer.score))]
  return [digit, '', word('sure', certainty(answer.score))]
}

// What is no digit and wide may be several digits where one is asked for.
function sayNearest(answer, digit) {
  if (!props.settings.reads_numbers || !isWide(answer.image)) return word('no_digit_say', digit)
  return word('no_digit_wide', digit, word('mode_number'))
}

// Whether the ink of 28 x 28 bytes is wider than high.
function isWide(encoded) {
  const inked = [...atob(encoded)].flatMap((byte, i) => (byte.charCodeAt(0) > 64 ? [i] : []))
  const columns = inked.map((i) => i % 28)
  const rows = inked.map((i) => Math.floor(i / 28))
  const extent = (places) => Math.max(...places) - Math.min(...places) + 1
  return extent(columns) > WIDE * extent(rows)
}

function show(answer, final) {
  const [digit, or, say] = SAY[answer.kind](answer)
  root.dataset.kind = answer.kind
  root.dataset.sure = Boolean(answer.kind === 'digit' && digit !== '' && !or)
  prediction.dataset.length = String(digit).length
  prediction.querySelector('.digit').textContent = digit
  prediction.querySelector('.or').textContent = or
  prediction.querySelector('.say').textContent = say
  // A full pad, a slow server or a network that still loads says so beside the last bars.
  if (!['full', 'offline', 'warming'].includes(answer.kind)) {
    setBars(answer.kind === 'digit' ? answer.confidences : null)
    setReading(answer.kind === 'number' && answer.number ? answer.digits : null)
    setImage(answer.image)
    setPicture(answer)
  }
  if (final) announce.textContent = prediction.textContent
  offerWhy(answer, final)
  offerCorrection(answer, final)
  if (answer.model && answer.model !== model) refreshStatus()
}

// ---- which weights answer ------------------------------------------------------------------

async function refreshStatus() {
  const status = await server.read_status()
  const line = element.querySelector('.weights')
  const problem = element.querySelector('.problem')
  if (status) {
    model = status.model
    line.dataset.ready = status.ready
    line.querySelector('.weights-line').textContent = status.ready ? status.line : word('warming_line')
    problem.hidden = !status.problem
    problem.textContent = status.problem || ''
  }
  if (!status || !status.ready) setTimeout(refreshStatus, STATUS_MS)
}

// ---- start ---------------------------------------------------------------------------------

const barTag = props.settings.asks_why ? 'button' : 'span'
bars.append(...Array.from({ length: 10 }, (_, digit) => row(digit, barTag)))
bars.querySelectorAll('button').forEach((button) => { button.type = 'button' })
listenForWhy()
listenForCorrections()

document.addEventListener('digits:answer', ({ detail }) => {
  answers[detail.source] = detail.answer
  if (detail.source === source) show(detail.answer, detail.final)
})

document.addEventListener('digits:source', ({ detail }) => {
  if (!(detail in answers)) return
  source = detail
  show(answers[source], false)
  explain()
})

watch('value', () => {
  answers.upload = props.value || { kind: 'blank', mode: 'upload' }
  if (source === 'upload') show(answers.upload, true)
})

show(answers.draw, false)
element.querySelector('.weights-line').textContent = word('warming_line')
refreshStatus()
