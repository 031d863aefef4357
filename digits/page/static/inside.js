// A look inside the network: the activations of each layer for the last answer's image.

const GAMMA = 0.6 // brightens faint values
const CELL = 28 // approximate width of a map on a layer's canvas, in pixels
const GAP = 2

const lens = fold.querySelector('.lens')
const lensCanvas = lens.querySelector('canvas')
const votes = fold.querySelector('.votes')
const columns = votes.querySelector('.columns')

const BLANK = { image: btoa('\0'.repeat(784)) }

let layers = [] // of the presented answer: the server's data, the figure and the layout of its maps
let pinned = null // the layer and channel that a press has pinned
let chosen = null // those shown large: under the mouse, or pinned
let reveals = false // whether to scroll the next layers into view

// From zero activation through the page's indigo to white.
const STOPS = [[15, 14, 31], [55, 48, 163], [99, 102, 241], [165, 180, 252], [255, 255, 255]]
const PALETTE = Array.from({ length: 256 }, (_, value) => {
  const place = (value / 255) ** GAMMA * (STOPS.length - 1)
  const from = Math.min(STOPS.length - 2, Math.floor(place))
  return STOPS[from].map((start, i) => Math.round(start + (place - from) * (STOPS[from + 1][i] - start)))
})

// ---- layers --------------------------------------------------------------------------------

function showLayers({ layers: found }) {
  if (shapesOf(found) !== shapesOf(layers)) makeLayers(found)
  layers.forEach((layer, i) => {
    layer.bytes = decodeBytes(found[i].values)
    paintLayer(layer)
  })
  fold.dataset.filled = true
  showVotes(presented)
  showLens()
  if (reveals) fold.scrollIntoView({ block: 'nearest' })
  reveals = false
}

// The figures are rebuilt only if this changes.
const shapesOf = (some) => some.map(({ name, channels, height, width }) => [name, channels, height, width]).join()

function makeLayers(found) {
  pinned = chosen = null
  layers.forEach(({ figure }) => figure.remove())
  layers = found.map((layer, place) => {
    const innerHTML = '<canvas role="slider" tabindex="0" aria-valuemin="1" aria-valuenow="1"></canvas><figcaption><b></b><span></span></figcaption>'
    const figure = make('figure', { className: 'layer', innerHTML })
    const canvas = figure.firstChild
    const [title, note] = figure.lastChild.children
    title.textContent = word(`inside_${layer.kind}`)
    note.textContent = word(layer.field ? 'inside_maps' : 'inside_features', layer.channels)
    canvas.setAttribute('aria-label', `${title.textContent}, ${note.textContent}`)
    canvas.setAttribute('aria-valuemax', layer.channels)
    const across = Math.ceil(Math.sqrt(layer.channels))
    const scale = Math.max(1, Math.round(CELL / layer.width))
    const pitch = layer.width * scale + GAP
    canvas.width = canvas.height = across * pitch - GAP
    votes.before(figure)
    const made = { ...layer, place, figure, canvas, across, scale, pitch }
    listenToLayer(made)
    return made
  })
}

function mapPixels({ bytes, width, height }, channel) {
  const start = channel * width * height
  return makePixels(width, height, (i) => [...PALETTE[bytes[start + i]], 255])
}

const stamp = make('canvas')

function paintLayer(layer) {
  const context = layer.canvas.getContext('2d')
  context.clearRect(0, 0, layer.canvas.width, layer.canvas.height)
  context.imageSmoothingEnabled = false
  const [wide, high] = [layer.width * layer.scale, layer.height * layer.scale]
  for (let channel = 0; channel < layer.channels; channel += 1) {
    const [x, y] = [(channel % layer.across) * layer.pitch, Math.floor(channel / layer.across) * layer.pitch]
    paintPixels(stamp, mapPixels(layer, channel))
    context.drawImage(stamp, x, y, wide, high)
    if (chosen?.layer !== layer || chosen.channel !== channel) continue
    context.strokeStyle = '#f59e0b'
    context.lineWidth = layer.canvas.width / 60
    context.strokeRect(x, y, wide, high)
  }
}

// ---- the chosen map ------------------------------------------------------------------------

// Hovering shows a map; a press, a finger or a key pins one until the next, or until Escape.

function pin(map) {
  pinned = map
  point(null)
}

function point(map) {
  const before = chosen
  chosen = map || pinned
  if (before && before.layer !== chosen?.layer) paintLayer(before.layer)
  if (chosen) {
    const { layer, channel } = chosen
    layer.canvas.setAttribute('aria-valuenow', channel + 1)
    layer.canvas.setAttribute('aria-valuetext', nameOf(chosen))
    paintLayer(layer)
  }
  if (presented) showLens()
}

const isSame = (one, other) => one?.layer === other?.layer && one?.channel === other?.channel

const nameOf = ({ layer, channel }) => word(layer.field ? 'inside_map' : 'inside_feature', channel + 1, layer.channels)

function mapAt(layer, event) {
  const { left, top, width, height } = layer.canvas.getBoundingClientRect()
  const cell = (place, side) => between(Math.floor((place / side) * layer.across), 0, layer.across - 1)
  const channel = cell(event.clientY - top, height) * layer.across + cell(event.clientX - left, width)
  return { layer, channel: Math.min(channel, layer.channels - 1) }
}

function listenToLayer(layer) {
  const { canvas } = layer
  canvas.addEventListener('pointerdown', (event) => {
    const map = mapAt(layer, event)
    pin(isSame(map, pinned) ? null : map)
  })
  canvas.addEventListener('pointermove', (event) => {
    const map = mapAt(layer, event)
    if (isSame(map, chosen)) return
    if (event.buttons) pin(map)
    else point(map)
  })
  canvas.addEventListener('pointerleave', () => point(null))
  canvas.addEventListener('keydown', (event) => {
    const [now, last] = [pinned?.layer === layer ? pinned.channel : -1, layer.channels - 1]
    const to = {
      ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: last,
      ArrowDown: now + layer.across, ArrowUp: now - layer.across, Escape: null,
    }[event.key]
    if (to === undefined) return
    event.preventDefault()
    pin(to === null ? null : { layer, channel: between(to, 0, last) })
  })
}

// A map's average is shown as the map itself.
function mapOf({ layer, channel }) {
  const before = layers[layer.place - 1]
  return layer.kind === 'average' && before?.channels === layer.channels ? { layer: before, channel } : { layer, channel }
}

function sayField({ layer: { field, bytes }, channel }) {
  if (!field) return word('inside_strength', wholePercent.format(bytes[channel] / 255))
  return field.size < 28 ? word('inside_sees', field.size, field.size) : word('inside_sees_all')
}

function showLens() {
  const [title, note] = lens.querySelector('figcaption').children
  const shown = chosen && mapOf(chosen)
  lens.classList.toggle('chosen', Boolean(shown))
  if (shown) {
    paintPixels(lensCanvas, mapPixels(shown.layer, shown.channel))
    title.textContent = nameOf(chosen)
    note.textContent = sayField(chosen)
  } else {
    paintImage(lensCanvas, presented.image)
    title.textContent = word('inside_image')
    note.textContent = word(presented === BLANK ? 'inside_none' : 'inside_image_say')
  }
  lensCanvas.setAttribute('aria-label', `${title.textContent}, ${note.textContent}`)
  tell('digits:overlay', { by: 'inside', picture: shown ? overPad(shown) : null })
}

// A map over the drawing, darker for stronger values, and the receptive field of its strongest point.
function overPad({ layer, channel }) {
  const { field, width, height, bytes } = layer
  const toPad = wanted.source === 'draw' && field && frameOnPad(presented)
  if (!toPad) return null
  const start = channel * width * height
  const values = bytes.subarray(start, start + width * height)
  const strongest = values.indexOf(Math.max(...values))
  const edge = field.start + (field.size - field.step) / 2
  const from = (place) => Math.max(0, field.start + place * field.step)
  const to = (place) => Math.min(28, field.start + place * field.step + field.size)
  const [column, line] = [strongest % width, Math.floor(strongest / width)]
  const seen = [from(column), from(line), to(column) - from(column), to(line) - from(line)]
  return {
    pixels: makePixels(width, height, (i) => [79, 70, 229, 200 * (values[i] / 255) ** GAMMA]),
    area: toPad([edge, edge, width * field.step, height * field.step]),
    spot: values[strongest] ? toPad(seen) : null,
  }
}

// ---- the answer ----------------------------------------------------------------------------

function showVotes(answer) {
  const whole = answer.confidences && digitShare(answer)
  const top = answer.confidences && topDigit(answer)
  Array.from(columns.children, (column, digit) => {
    column.classList.toggle('top', digit === top)
    column.firstChild.style.setProperty('--part', whole ? answer.confidences[digit] * whole : 0)
  })
}

// The digit of a number whose tile was pressed, with its two most likely readings.
function pickedOf({ digits, picked, network }) {
  const read = digits?.[picked]
  if (!read) return null
  const confidences = Array(10).fill(0)
  for (const { digit, confidence } of [read.runner_up, read]) confidences[digit] = confidence
  return { image: read.image, ink: read.box, confidences, score: read.confidence, network }
}

// Without a single digit, a blank image is shown.
function lookAt({ source, answer }) {
  if (BESIDE.includes(answer.kind)) return
  const seen = answer.image ? answer : pickedOf(answer) ?? BLANK
  wanted = { answer: seen, source, topic: `${source} ${seen === BLANK}` }
  if (seen === BLANK) tell('digits:overlay', { by: 'inside', picture: null })
  askWhileOpen('inside', ({ image, network }) => ({ image, network }), showLayers)
}

columns.append(...Array.from({ length: 10 }, (_, digit) => make('div', {}, make('i'), make('span', {}, digit))))

document.addEventListener('digits:inside', () => {
  fold.open = reveals = true
})
fold.addEventListener('toggle', () => { if (!fold.open) pin(null) })
lookWhileOpen(lookAt)
