// The answer: a digit with a bar per probability, or a number with a tile per digit; the image that
// the network saw, and the weights in use.
// Answers come from the pad and from the upload tab. The last one of the open tab is shown.

const STATUS_MS = 700
const SURE = 0.8 // calibrated confidence below which a runner-up is named
const RIVAL = 0.1 // minimum confidence of a runner-up to name
const SUREST = 0.999 // nothing is certain, so nothing is rounded up to 100 %

const root = element.querySelector('.answer')
const prediction = element.querySelector('#prediction')
const bars = element.querySelector('#confidence')
const tiles = element.querySelector('.tiles')
const seenImage = element.querySelector('.seen-image canvas')
const chosenLine = element.querySelector('.chosen-network')
const announce = element.querySelector('.announce')
const count = (number) => number.toLocaleString(language)
const percent = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 })

const waitingFor = (mode) => ({ answer: { kind: 'blank', mode }, final: true })

const answers = { draw: waitingFor('draw'), upload: waitingFor('upload') }
let source = 'draw'
let status = null // the server's last report on the weights
let reached = true // whether the last request was answered

// ---- shares --------------------------------------------------------------------------------

const sayShare = (share) => percent.format(Math.min(share, SUREST))

// A bar that explains its digit is a button, any other is not.
function row(label, tag) {
  const innerHTML = '<span class="row-digit"></span><span class="track" aria-hidden="true"><i></i></span><span class="row-value"></span>'
  const inside = make(tag, { type: 'button', className: 'row', innerHTML })
  inside.firstChild.textContent = label
  return make('li', {}, inside)
}

function setRow(item, share) {
  item.querySelector('i').style.setProperty('--part', share)
  item.querySelector('.row-value').textContent = share === null ? '' : sayShare(share)
}

// The shares of ten digits and of "not a digit" sum to one.
function setBars(answer) {
  const whole = answer && digitShare(answer)
  digitRows.forEach((item, digit) => {
    item.dataset.confidence = answer ? answer.confidences[digit] : 0
    setRow(item, answer && answer.confidences[digit] * whole)
    item.classList.toggle('top', Boolean(answer) && digit === topDigit(answer))
  })
  setRow(noneRow, answer && 1 - whole)
}

// A tile shows the image of a digit and its runner-up; pressing it shows that digit's layers.
function setTiles(answer) {
  root.dataset.several = Boolean(answer)
  tiles.replaceChildren(...(answer ? answer.digits : []).map((read, place) => {
    const innerHTML = '<button type="button"><canvas></canvas><b></b><span></span><small></small></button>'
    const item = make('li', { innerHTML })
    const [canvas, digit, share, rival] = item.firstChild.children
    paintImage(canvas, read.image)
    digit.textContent = read.digit
    share.textContent = sayShare(read.confidence)
    rival.textContent = word('runner_up', read.runner_up.digit, sayShare(read.runner_up.confidence))
    item.firstChild.addEventListener('click', () => pickTile(answer, place))
    return item
  }))
  markTile(answer)
}

function pickTile(answer, place) {
  answer.picked = answer.picked === place ? undefined : place
  markTile(answer)
  tell('digits:shown', { source, answer })
  if (answer.picked !== undefined) tell('digits:inside')
}

function markTile(answer) {
  Array.from(tiles.children, (item, place) => item.firstChild.setAttribute('aria-pressed', answer.picked === place))
}

// ---- words ---------------------------------------------------------------------------------

// By kind: the large text, an addition to it, and the small line below.
const SAY = {
  blank: (answer) => ['', '', word(`blank_${answer.mode || (answer.unread?.length ? 'unread' : 'picture')}`)],
  reading: () => ['', '', word('reading_now')],
  warming: () => ['', '', word('warming')],
  offline: () => ['', '', word(source === 'draw' ? 'offline' : 'offline_upload')],
  refused: () => ['', '', word('refused')],
  full: () => ['', '', word('pad_full')],
  // Problems come as a code, or as text from the static page or the server.
  problem: ({ code, text }) => ['', '', text || word(`problem_${code}`, count(props.settings.limits[code] ?? 0))],
  number: sayNumber,
  digit: sayDigit,
}

function sayDigit(answer) {
  const order = answer.confidences.map((value, digit) => [value, digit]).sort((a, b) => b[0] - a[0])
  const [[first, digit], [second, rival]] = order
  if (answer.digit === null) return ['', word('no_digit'), word('no_digit_say', digit)]
  const more = answer.others ? ` ${word('others', answer.others)}` : ''
  if (first < SURE && second > RIVAL) return [digit, word('unsure', rival), word('unsure_say') + more]
  const sure = answer.score < SURE ? 'doubtful' : 'sure'
  return [digit, '', word(sure, sayShare(answer.score)) + more]
}

function sayNumber(answer) {
  const together = answer.digits.reduce((product, read) => product * read.confidence, 1)
  const unread = answer.unread?.length ? `, ${word('unread', answer.unread.length)}` : ''
  return [answer.number, '', word('sure', sayShare(together)) + unread]
}

// The time taken is shown, but not announced.
function setSay(note, took) {
  const say = prediction.querySelector('.say')
  say.textContent = note
  if (took) say.dataset.took = word('took', count(Math.ceil(took)))
  else delete say.dataset.took
}

function show({ answer, final }, news) {
  // While the pen is down, only the most likely digit is shown, without a verdict.
  const judged = final || !['digit', 'number'].includes(answer.kind)
  const [digit, or, note] = judged ? SAY[answer.kind](answer) : [answer.number ?? topDigit(answer), '', '']
  const lines = String(digit).split('\n')
  root.dataset.kind = answer.kind
  root.dataset.verdict = judged ? (digit === '' ? 'none' : 'digit') : 'open'
  prediction.dataset.length = String(digit).length
  prediction.style.setProperty('--columns', Math.max(...lines.map((line) => line.length)))
  prediction.style.setProperty('--lines', lines.length)
  prediction.querySelector('.digit').textContent = digit
  prediction.querySelector('.or').textContent = or
  setSay(note, judged && answer.took)
  // After a change of tabs, the current bars are the other tab's.
  if (!news || !BESIDE.includes(answer.kind)) {
    setBars(answer.kind === 'digit' ? answer : null)
    setTiles(answer.kind === 'number' ? answer : null)
    if (answer.image) paintImage(seenImage, answer.image)
    else seenImage.getContext('2d').clearRect(0, 0, 28, 28)
  }
  if (news && final) announce.textContent = prediction.textContent
  tell('digits:answered', { answer, final: Boolean(news && final) })
  if (answer.model && !answer.network && answer.model !== status?.model) refreshStatus()
  showChosen()
  tell('digits:shown', { source, answer })
}

// ---- which weights answer ------------------------------------------------------------------

async function refreshStatus() {
  status = await server.read_status() || status
  showStatus()
  if (!status?.ready) setTimeout(refreshStatus, STATUS_MS)
}

function showStatus() {
  const ready = Boolean(status?.ready && reached)
  element.querySelector('.weights').dataset.ready = ready
  const waiting = status?.problem ? 'weights_none' : 'warming_line'
  const [line, errors] = ready ? sayWeights(status.weights) : [word(reached ? waiting : 'offline_line'), '']
  element.querySelector('.weights-line').textContent = line
  element.querySelector('.weights-errors').textContent = errors
  const problem = status?.code ? word('weights_problem', word(`weights_why_${status.code}`)) : status?.problem
  element.querySelector('.problem').textContent = problem ?? ''
}

// A chosen demo's network answers only the pad.
function showChosen() {
  const name = chosenNetwork()
  chosenLine.hidden = !name || source !== 'draw'
  chosenLine.firstChild.textContent = word('network_chosen', name)
}

function sayWeights({ repo, revision, commit, errors, tested }) {
  const name = repo ? word('weights_hub', repo, revision, commit) : word('weights_bundled')
  const line = word('weights_line', name, exactPercent.format(1 - errors / tested))
  return [line, `, ${word('weights_errors', count(errors), count(tested))}`]
}

function setReached(now) {
  if (now === reached) return
  reached = now
  showStatus()
}

// ---- start ---------------------------------------------------------------------------------

const barTag = props.settings.asks_why ? 'button' : 'span'
const digitRows = Array.from({ length: 10 }, (_, digit) => row(digit, barTag))
digitRows.forEach((item, digit) => { item.dataset.digit = digit })
const noneRow = row(word('no_digit_row'), 'span')
noneRow.className = 'none'
bars.append(...digitRows, noneRow)

document.addEventListener('digits:answer', ({ detail: { source: from, answer, final } }) => {
  answers[from] = { answer, final }
  if (answer.kind === 'offline') setReached(false)
  else if (answer.kind !== 'reading' && answer.kind !== 'full') setReached(true)
  if (from === source) show(answers[from], true)
})

document.addEventListener('digits:source', ({ detail }) => {
  if (!(detail in answers)) return
  source = detail
  show(answers[source], false)
})

document.addEventListener('digits:look', () => tell('digits:shown', { source, answer: answers[source].answer }))

document.addEventListener('digits:network', showChosen)
chosenLine.lastChild.addEventListener('click', () => chooseNetwork(null))

addEventListener('offline', () => setReached(false))
addEventListener('online', () => setReached(true))

show(answers.draw, false)
showStatus()
refreshStatus()
tell('digits:awake')
