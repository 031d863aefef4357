// The drawing pad. Records and draws the strokes, and asks the server to read them: at most every
// LIVE_MS while the pen is down, and always after the last change.

const LIVE_MS = 70
const UNDER_WAY = 2 // concurrent requests: a second one hides the network's latency
const RETRY_MS = 500
const SLOW_MS = 400 // latency after which the last answer is shown as stale
const PATIENCE_MS = 10000
const CLICK_MS = 600 // a click this soon after a pointerup belongs to the same press
const PAD_HEIGHT = 1000
const MIN_STEP = 4 // minimum distance between points in pad units; closer ones add nothing
const KEY_STEP = 25 // pad units per press of an arrow key
const KEPT = 'digits:drawing'

const root = element.querySelector('.pad')
const sketchpad = element.querySelector('#sketchpad')
const canvas = sketchpad.querySelector('canvas')
const context = canvas.getContext('2d')
const boxes = sketchpad.querySelector('.boxes')
const calm = matchMedia('(prefers-reduced-motion: reduce)')

let strokes = keptStrokes()
const past = [] // earlier states of `strokes`, for undo
let brush = 46
let pen = null // the pointer that is drawing
let replaying = null // the running replay of an example
let own = strokes.length > 0 // whether the visitor drew any of it

const insidePad = (value) => between(value, 0, PAD_HEIGHT)

const pointCount = () => strokes.reduce((sum, stroke) => sum + (stroke.length - 1) / 2, 0)

// Bounding box of all ink on the pad: x, y, width and height in pad units.
function boxOfInk() {
  const [[left, right], [top, bottom]] = reachOf(strokes).map((ends) => ends.map(insidePad))
  return [left, top, right - left, bottom - top]
}

// Extent of each stroke: along x for axis 0, y for 1.
function spans(drawing, axis) {
  return drawing.map(([width, ...points]) => {
    const places = points.filter((_, i) => i % 2 === axis)
    return [Math.min(...places) - width / 2, Math.max(...places) + width / 2]
  })
}

// Extent of the whole drawing along both axes.
function reachOf(drawing) {
  return [0, 1].map((axis) => spans(drawing, axis).flat()).map((ends) => [Math.min(...ends), Math.max(...ends)])
}

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
  strokes.forEach((stroke) => strokeFrom(stroke, 1))
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
  const drawn = strokes.length > 0
  root.dataset.drawn = drawn
  element.querySelectorAll('[data-needs=drawing]').forEach((button) => { button.disabled = !drawn })
  element.querySelector('[data-action=undo]').disabled = past.length === 0
  canvas.setAttribute('aria-label', word(drawn ? 'pad_drawn' : 'pad_empty'))
}

// Replace the drawing. Stops a replay and discards answers to requests sent before; `remember`
// allows undo.
function change(next, remember = true) {
  replaying = null
  if (remember) past.push(strokes)
  if (remember && own) tell('digits:replaced', strokes)
  own = false
  strokes = next
  shown = asked
  boxes.replaceChildren()
  redraw()
  refresh()
}

// Clear the pad without undo.
function startBlank() {
  past.length = 0
  change([], false)
  ask(true)
}

function undo() {
  if (pen !== null || past.length === 0) return
  change(past.pop(), false)
  own = strokes.length > 0
  ask(true)
}

function clear() {
  if (pen !== null || strokes.length === 0) return
  change([])
  ask(true)
}

// ---- asking --------------------------------------------------------------------------------

let underWay = 0
let asked = 0 // sequence number of the newest request
let shown = 0 // that of the last answer shown, or of the last request before a change
let waiting = false // whether something changed since the newest request
let timer = 0
let lastAsked = 0
let slowTimer = 0

function show(answer, inkBox) {
  clearTimeout(slowTimer)
  slowTimer = 0
  if (inkBox && answer.image) answer.ink = inkBox
  boxes.replaceChildren(...(answer.digits || [])
    .map((read) => boxOver(read.box, PAD_HEIGHT, PAD_HEIGHT, read.digit)))
  const final = pen === null && !replaying && !waiting && shown === asked
  tell('digits:answer', { source: 'draw', answer, final })
}

// Send a request now, for the end of a change, or as soon as the rate allows.
function ask(now) {
  clearTimeout(timer)
  if (now) writeStore('sessionStorage', KEPT, strokes)
  if (strokes.length === 0) {
    show({ kind: 'blank', mode: 'draw' })
    return
  }
  slowTimer ||= setTimeout(() => show({ kind: 'reading' }), SLOW_MS)
  const wait = now ? 0 : LIVE_MS - (performance.now() - lastAsked)
  if (wait > 0) timer = setTimeout(send, wait)
  else send(now)
}

// The request at the end of a change does not wait for earlier ones.
async function send(now) {
  if (underWay >= UNDER_WAY + (now === true)) {
    waiting = true
    return
  }
  underWay += 1
  waiting = false
  lastAsked = performance.now()
  const [number, asking, inkBox, start] = [++asked, strokes, boxOfInk(), performance.now()]
  const answer = await Promise.race([readDrawing(strokes, pen === null && !replaying), sleep(PATIENCE_MS)])
  if (answer) Object.assign(answer, { took: performance.now() - start, strokes: asking })
  underWay -= 1
  const current = number > shown
  const repeat = !answer || answer.kind === 'warming'
  if (current) {
    shown = number
    show(answer || { kind: 'offline' }, inkBox)
  }
  if (waiting) ask(pen === null)
  else if (repeat && current && number === asked) timer = setTimeout(send, RETRY_MS)
}

// ---- the pen -------------------------------------------------------------------------------

function place(event) {
  const area = sketchpad.getBoundingClientRect()
  const scale = PAD_HEIGHT / sketchpad.clientHeight
  const limit = (value) => Math.round(between(value, -brush, PAD_HEIGHT + brush))
  return [
    limit((event.clientX - area.left - sketchpad.clientLeft) * scale),
    limit((event.clientY - area.top - sketchpad.clientTop) * scale),
  ]
}

// Whether the drawing has the maximum number of points; if so, the visitor is told.
function isFull() {
  if (pointCount() < props.settings.max_points) return false
  tell('digits:answer', { source: 'draw', answer: { kind: 'full' }, final: true })
  return true
}

function extend(stroke, [x, y]) {
  const last = stroke.length
  if (Math.hypot(x - stroke[last - 2], y - stroke[last - 1]) < MIN_STEP || isFull()) return
  stroke.push(x, y)
  strokeFrom(stroke, last - 2)
}

function lower(pointer, point) {
  replaying = null
  if (isFull()) return
  const stroke = [brush, ...point]
  past.push(strokes)
  strokes = [...strokes, stroke]
  own = true
  pen = pointer
  strokeFrom(stroke, 1)
  refresh()
  ask(false)
}

sketchpad.addEventListener('pointerdown', (event) => {
  if (pen !== null || !event.isPrimary || event.button !== 0) return
  sketchpad.setPointerCapture(event.pointerId)
  lower(event.pointerId, place(event))
})

sketchpad.addEventListener('pointermove', (event) => {
  if (event.pointerId !== pen) return
  const stroke = strokes.at(-1)
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
for (const name of ['pointerup', 'pointercancel', 'lostpointercapture']) sketchpad.addEventListener(name, lift)

// ---- the pen, by keyboard ------------------------------------------------------------------

// Arrow keys move a cursor, two at once diagonally; Space lowers and lifts the pen.
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }
const cursor = sketchpad.querySelector('.cursor')
const pressed = new Set()
let spot = [PAD_HEIGHT / 2, PAD_HEIGHT / 2]

function moveCursor() {
  for (const key of pressed) spot = spot.map((value, axis) => insidePad(value + KEY_STEP * ARROWS[key][axis]))
  cursor.style.left = `${(100 * spot[0]) / PAD_HEIGHT}%`
  cursor.style.top = `${(100 * spot[1]) / PAD_HEIGHT}%`
  root.dataset.cursor = true
}

sketchpad.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  if (event.key === ' ') {
    if (pen === null) lower('keys', spot)
    else if (!event.repeat) lift({ pointerId: 'keys' })
    moveCursor()
  } else if (event.key in ARROWS) {
    pressed.add(event.key)
    moveCursor()
    if (pen === 'keys') {
      extend(strokes.at(-1), spot)
      ask(false)
    }
  } else {
    return
  }
  cursor.dataset.down = pen === 'keys'
  event.preventDefault()
})
sketchpad.addEventListener('keyup', (event) => pressed.delete(event.key))
sketchpad.addEventListener('blur', () => {
  pressed.clear()
  lift({ pointerId: 'keys' })
  root.dataset.cursor = cursor.dataset.down = false
})

// ---- a reload keeps the drawing ------------------------------------------------------------

// Browsers may deny storage to a framed page; then a reload loses the drawing.
function writeStore(storage, key, value) {
  try {
    window[storage].setItem(key, JSON.stringify(value))
    return true
  } catch {
    return false
  }
}

// The stored value, unvalidated; null if there is none.
function readStore(storage, key) {
  try { return JSON.parse(window[storage].getItem(key)) } catch { return null }
}

function keptStrokes() {
  const kept = readStore('sessionStorage', KEPT)
  const whole = (stroke) => Array.isArray(stroke) && stroke.length >= 3 && stroke.every(Number.isInteger)
  return Array.isArray(kept) && kept.every(whole) ? kept : []
}

// ---- buttons and keys ----------------------------------------------------------------------

// A touch screen may take a tap right after a stroke for part of that gesture and send no click. So
// pointerup counts, and a click only if no pointerup came before.
function onPress(button, act) {
  let down = null
  let acted = -Infinity
  button.addEventListener('pointerdown', (event) => { down = event.button === 0 ? event.pointerId : null })
  button.addEventListener('pointerup', (event) => {
    const { left, right, top, bottom } = button.getBoundingClientRect()
    const inside = event.clientX >= left && event.clientX <= right && event.clientY >= top && event.clientY <= bottom
    if (event.pointerId !== down || !inside) return
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

// A radio group: a single tab stop, arrow keys move and select.
const radios = [...element.querySelectorAll('.brushes [role=radio]')]

function chooseBrush(radio) {
  radios.forEach((other) => {
    other.setAttribute('aria-checked', other === radio)
    other.tabIndex = other === radio ? 0 : -1
  })
  brush = Number(radio.dataset.brush)
}

radios.forEach((radio, i) => {
  onPress(radio, () => chooseBrush(radio))
  radio.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]
    if (!step) return
    event.preventDefault()
    const next = radios[(i + step + radios.length) % radios.length]
    next.focus()
    chooseBrush(next)
  })
})

// ---- start ---------------------------------------------------------------------------------

refresh()
fit()
new ResizeObserver(fit).observe(sketchpad)
// The answer panel may load after the pad.
const askAgain = () => { if (strokes.length) ask(true) }
document.addEventListener('digits:awake', askAgain)
document.addEventListener('digits:network', askAgain)
askAgain()
