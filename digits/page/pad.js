// The drawing pad. Keeps what the pen did, draws it, and asks the server what it says:
// while the pen is down at most every LIVE_MS, and always once more after the last change.

const LIVE_MS = 70
const UNDER_WAY = 2 // questions at a time: a second one hides the network's delay
const RETRY_MS = 500
const PATIENCE_MS = 10000
const CLICK_MS = 600 // a click belongs to the lifting of the finger before it
const PAD_HEIGHT = 1000
const MIN_STEP = 4 // pad units; nearer points add bytes, not shape

const root = element.querySelector('.pad')
const sketchpad = element.querySelector('#sketchpad')
const canvas = sketchpad.querySelector('canvas')
const context = canvas.getContext('2d')
const boxes = sketchpad.querySelector('.boxes')
const calm = matchMedia('(prefers-reduced-motion: reduce)')

// Each mode has a sheet of its own; history holds the earlier states of `strokes` for undo.
const sheets = { digit: { strokes: [], history: [] }, number: { strokes: [], history: [] } }
let mode = 'digit'
let brush = 46
let pen = null // the pointer that is drawing
let showing = 0 // the running number of the example being drawn
let replaying = false

const sheet = () => sheets[mode]
const padWidth = () => props.settings.pad_widths[mode]
const pointCount = () => sheet().strokes.reduce((sum, stroke) => sum + (stroke.length - 1) / 2, 0)

// ---- drawing -------------------------------------------------------------------------------

function strokeFrom(stroke, from) {
  const scale = canvas.height / PAD_HEIGHT
  context.lineWidth = stroke[0] * scale
  context.beginPath()
  if (stroke.length === 3) {
    context.arc(stroke[1] * scale, stroke[2] * scale, context.lineWidth / 2, 0, 2 * Math.PI)
    context.fill()
    return
  }
  context.moveTo(stroke[from] * scale, stroke[from + 1] * scale)
  for (let i = from + 2; i < stroke.length; i += 2) context.lineTo(stroke[i] * scale, stroke[i + 1] * scale)
  context.stroke()
}

function redraw() {
  context.clearRect(0, 0, canvas.width, canvas.height)
  context.lineCap = context.lineJoin = 'round'
  context.strokeStyle = context.fillStyle = '#101014'
  sheet().strokes.forEach((stroke) => strokeFrom(stroke, 1))
}

function fit() {
  const height = Math.round(sketchpad.clientHeight * devicePixelRatio)
  const width = Math.round(sketchpad.clientWidth * devicePixelRatio)
  if (!width || (canvas.width === width && canvas.height === height)) return
  canvas.width = width
  canvas.height = height
  redraw()
}

function refresh() {
  const drawn = sheet().strokes.length > 0
  root.dataset.drawn = drawn
  element.querySelector('[data-action=clear]').disabled = !drawn
  element.querySelector('[data-action=undo]').disabled = sheet().history.length === 0
  canvas.setAttribute('aria-label', word(drawn ? 'pad_drawn' : 'pad_empty'))
}

// Every change of the sheet that is not a longer stroke: the old state can be had back, and
// answers to questions asked before it no longer count.
function change(strokes, remember = true) {
  if (remember) sheet().history.push(sheet().strokes)
  sheet().strokes = strokes
  generation += 1
  boxes.replaceChildren()
  redraw()
  refresh()
}

function stopReplay() {
  showing += 1
  replaying = false
}

function undo() {
  if (pen !== null || sheet().history.length === 0) return
  stopReplay()
  change(sheet().history.pop(), false)
  ask(true)
}

function clear() {
  if (pen !== null || sheet().strokes.length === 0) return
  stopReplay()
  change([])
  ask(true)
}

// ---- asking --------------------------------------------------------------------------------

let generation = 0
let underWay = 0
let asked = 0 // the running number of the newest question
let shown = 0 // that of the newest answer: an older one, which came late, is not shown
let waiting = false // something changed since the newest question
let timer = 0
let lastAsked = 0

function show(answer) {
  boxes.replaceChildren(...(answer.digits || [])
    .map((read) => boxOver(read.box, answer.size[0], answer.size[1], read.digit)))
  const final = pen === null && !replaying && !waiting && shown === asked
  tell('digits:answer', { source: 'draw', answer, final })
}

// Ask now, or as soon as the rate allows; `now` is for the end of a change.
function ask(now) {
  clearTimeout(timer)
  if (sheet().strokes.length === 0) {
    shown = asked
    show({ kind: 'blank', mode })
    return
  }
  const wait = now ? 0 : LIVE_MS - (performance.now() - lastAsked)
  if (wait > 0) timer = setTimeout(send, wait)
  else send(now)
}

// The end of a change does not wait for the answers to what came before it.
async function send(now) {
  if (underWay >= UNDER_WAY + (now === true)) {
    waiting = true
    return
  }
  underWay += 1
  waiting = false
  lastAsked = performance.now()
  const [number, before] = [++asked, generation]
  let alarm
  const patience = new Promise((resolve) => { alarm = setTimeout(resolve, PATIENCE_MS) })
  const answer = await Promise.race([readDrawing(mode, sheet().strokes), patience])
  clearTimeout(alarm)
  underWay -= 1
  const current = before === generation && sheet().strokes.length > 0
  const repeat = !answer || answer.kind === 'warming'
  if (current && number > shown) {
    shown = number
    show(answer || { kind: 'offline' }) // a failed call is undefined, whatever the cause
  }
  if (waiting) ask(pen === null)
  else if (repeat && current && number === asked) timer = setTimeout(send, RETRY_MS)
}

// ---- the pen -------------------------------------------------------------------------------

function place(event) {
  const area = sketchpad.getBoundingClientRect()
  const scale = PAD_HEIGHT / sketchpad.clientHeight
  const limit = (value, end) => Math.round(Math.max(-brush, Math.min(end + brush, value)))
  return [
    limit((event.clientX - area.left - sketchpad.clientLeft) * scale, padWidth()),
    limit((event.clientY - area.top - sketchpad.clientTop) * scale, PAD_HEIGHT),
  ]
}

function extend(stroke, [x, y]) {
  const last = stroke.length
  if (Math.hypot(x - stroke[last - 2], y - stroke[last - 1]) < MIN_STEP) return
  if (pointCount() >= props.settings.max_points) {
    tell('digits:answer', { source: 'draw', answer: { kind: 'full' }, final: true })
    return
  }
  stroke.push(x, y)
  strokeFrom(stroke, last - 2)
}

sketchpad.addEventListener('pointerdown', (event) => {
  if (pen !== null || !event.isPrimary || event.button !== 0) return
  sketchpad.setPointerCapture(event.pointerId)
  stopReplay()
  const stroke = [brush, ...place(event)]
  sheet().history.push(sheet().strokes)
  sheet().strokes = [...sheet().strokes, stroke]
  pen = event.pointerId
  strokeFrom(stroke, 1)
  refresh()
  ask(false)
})

sketchpad.addEventListener('pointermove', (event) => {
  if (event.pointerId !== pen) return
  const stroke = sheet().strokes.at(-1)
  const before = stroke.length
  const moves = event.getCoalescedEvents ? event.getCoalescedEvents() : []
  for (const move of moves.length ? moves : [event]) extend(stroke, place(move))
  if (stroke.length !== before) ask(false)
})

function lift(event) {
  if (event.pointerId !== pen) return
  pen = null
  ask(true)
}
sketchpad.addEventListener('pointerup', lift)
sketchpad.addEventListener('pointercancel', lift)
sketchpad.addEventListener('lostpointercapture', lift)

// ---- buttons and keys ----------------------------------------------------------------------

// A touch screen may take a tap that follows a stroke at once for part of that gesture and send
// no click. So the lifting of the finger counts, and a click only where none came before it.
function onPress(button, act) {
  let pressed = null
  let acted = -Infinity
  button.addEventListener('pointerdown', (event) => { pressed = event.button === 0 ? event.pointerId : null })
  button.addEventListener('pointerup', (event) => {
    const { left, right, top, bottom } = button.getBoundingClientRect()
    const inside = event.clientX >= left && event.clientX <= right && event.clientY >= top && event.clientY <= bottom
    if (event.pointerId !== pressed || !inside) return
    acted = event.timeStamp
    act()
  })
  button.addEventListener('click', (event) => {
    if (event.timeStamp - acted > CLICK_MS) act()
  })
}

onPress(element.querySelector('[data-action=undo]'), undo)
onPress(element.querySelector('[data-action=clear]'), clear)

document.addEventListener('keydown', (event) => {
  if (!root.isConnected || root.offsetParent === null) return
  if (event.target.closest('input, textarea, select, [contenteditable=true]')) return
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === 'z') {
    event.preventDefault()
    undo()
  } else if (event.key === 'Delete') {
    event.preventDefault()
    clear()
  }
})

// A radio group: one tab stop, arrows move and choose.
function radioGroup(group, choose) {
  const radios = [...group.querySelectorAll('[role=radio]')]
  const pick = (radio) => {
    radios.forEach((other) => {
      other.setAttribute('aria-checked', other === radio)
      other.tabIndex = other === radio ? 0 : -1
    })
    choose(radio.dataset)
  }
  radios.forEach((radio, i) => {
    onPress(radio, () => pick(radio))
    radio.addEventListener('keydown', (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]
      if (!step) return
      event.preventDefault()
      const next = radios[(i + step + radios.length) % radios.length]
      next.focus()
      pick(next)
    })
  })
}

radioGroup(element.querySelector('.brushes'), (data) => { brush = Number(data.brush) })
radioGroup(element.querySelector('.segments:not(.brushes)'), (data) => { setMode(data.mode) })

function setMode(next) {
  if (next === mode || pen !== null) return
  stopReplay()
  mode = next
  root.dataset.mode = mode
  root.querySelector('.invitation span').textContent = word(mode === 'digit' ? 'invitation' : 'invitation_number')
  generation += 1
  boxes.replaceChildren()
  listExamples()
  fit()
  redraw()
  refresh()
  ask(true)
}

// ---- examples ------------------------------------------------------------------------------

function thumbnail(strokes) {
  const lines = strokes.map(([width, ...points]) => `<polyline points="${points.join(' ')}" stroke-width="${width * 1.5}"/>`)
  return `<svg viewBox="0 0 ${padWidth()} ${PAD_HEIGHT}" aria-hidden="true">${lines.join('')}</svg>`
}

function listExamples() {
  const buttons = props.settings.examples[mode].map(({ name, strokes }) => {
    const button = document.createElement('button')
    button.type = 'button'
    button.dataset.example = name
    button.setAttribute('aria-label', word('example', name))
    button.innerHTML = thumbnail(strokes)
    onPress(button, () => replay(strokes))
    return button
  })
  element.querySelector('.examples-row').replaceChildren(...buttons)
}

// Draw an example before the visitor's eyes, in the time a quick hand takes.
async function replay(strokes) {
  if (pen !== null) return
  const run = ++showing
  change([])
  replaying = true
  if (!calm.matches) {
    const total = strokes.reduce((sum, stroke) => sum + stroke.length, 0)
    const perFrame = Math.max(4, 2 * Math.ceil(total / 2 / 40))
    for (const whole of strokes) {
      const stroke = whole.slice(0, 3)
      sheet().strokes = [...sheet().strokes, stroke]
      while (stroke.length < whole.length) {
        const last = stroke.length
        stroke.push(...whole.slice(last, last + perFrame))
        strokeFrom(stroke, last - 2)
        refresh()
        ask(false)
        await new Promise(requestAnimationFrame)
        if (run !== showing) return
      }
    }
  }
  replaying = false
  change(strokes.map((stroke) => [...stroke]), false)
  ask(true)
}

listExamples()
refresh()
fit()
new ResizeObserver(fit).observe(sketchpad)
