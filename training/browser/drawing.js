// From strokes to ink, as digits/drawing.py draws them: a port of OpenCV's antialiased lines, since
// those of a canvas are different and vary between browsers.

const PAD_SIDE = 1000
const PICTURE_SIDE = 320
const PAPER = 255
const PARTS = 16 // points are rounded to sixteenths of a pixel
const UNIT = 65536 // fixed-point units per pixel

// An antialiased line fades out as a Gaussian of this width in pixels.
const BELL_WIDTH = 0.75
const STEPS = 32 // positions of a line within a pixel
const BELL = [-1, 0, 1].map((beside) => Array.from({ length: STEPS }, (_, step) => {
  const away = beside + 0.5 - (step + 0.5) / STEPS
  return Math.floor(255 * Math.exp(-((away / BELL_WIDTH) ** 2)))
}))

const inUnits = (pixels) => Math.round(pixels * UNIT)
const sixteenths = (units) => Math.floor((units % UNIT) / (UNIT / 16))

function drawStrokes(strokes) {
  const picture = { width: PICTURE_SIDE, height: PICTURE_SIDE, data: new Uint8Array(PICTURE_SIDE ** 2).fill(PAPER) }
  for (const stroke of strokes) drawStroke(picture, stroke)
  return { ...picture, data: Float32Array.from(picture.data, (level) => 1 - level / PAPER) }
}

function drawStroke(picture, [brush, ...flat]) {
  const scale = PICTURE_SIDE / PAD_SIDE
  const width = Math.max(1, Math.round(brush * scale))
  const at = (i) => Math.round(flat[i] * scale * PARTS) / PARTS
  const points = Array.from({ length: flat.length / 2 }, (_, i) => [at(2 * i), at(2 * i + 1)])
  if (points.length === 1) fillDisc(picture, points[0], width / 2)
  for (let i = 1; i < points.length; i += 1) {
    if (width === 1) {
      smoothLine(picture, points[i - 1], points[i])
      continue
    }
    fillBar(picture, points[i - 1], points[i], Math.ceil(width / 2))
    if (i === 1) fillDisc(picture, points[0], width / 2)
    fillDisc(picture, points[i], width / 2)
  }
}

function fillBar(picture, [x0, y0], [x1, y1], reach) {
  const length = Math.hypot(x1 - x0, y1 - y0)
  if (length === 0) return
  const [dx, dy] = [((y1 - y0) * reach) / length, ((x0 - x1) * reach) / length]
  fillConvex(picture, [[x0 + dx, y0 + dy], [x0 - dx, y0 - dy], [x1 - dx, y1 - dy], [x1 + dx, y1 + dy]])
}

// A disc is a polygon, with fewer corners if it is small.
function fillDisc(picture, [x, y], radius) {
  const size = Math.floor(radius + 0.5)
  const degrees = size < 3 ? 90 : size < 10 ? 30 : size < 15 ? 18 : 5
  const corners = []
  for (let turn = 0; turn <= 360; turn += degrees) {
    const angle = (turn * Math.PI) / 180
    corners.push([x + radius * Math.cos(angle), y + radius * Math.sin(angle)])
  }
  fillConvex(picture, corners)
}

// Full ink inside an antialiased outline.
function fillConvex(picture, exact) {
  const corners = exact.map((corner) => corner.map((value) => inUnits(value) / UNIT))
  corners.forEach((corner, i) => smoothLine(picture, corners.at(i - 1), corner))
  const { width, height, data } = picture
  const rows = corners.map((corner) => Math.floor(corner[1] + 0.5))
  const [top, bottom] = [Math.min(...rows), Math.max(...rows)]
  for (let row = Math.max(top, 0); row <= Math.min(bottom, height - 1); row += 1) {
    const [left, right] = crossings(corners, rows, row, row === bottom)
    const from = Math.max(0, Math.ceil(left))
    const to = Math.min(width - 1, Math.floor(right))
    if (from <= to) data.fill(0, row * width + from, row * width + to + 1)
  }
}

// Where the outline crosses a row, with its corners rounded to whole rows.
function crossings(corners, rows, row, last) {
  let [left, right] = [Infinity, -Infinity]
  corners.forEach(([x1], i) => {
    const before = (i || corners.length) - 1
    const [x0, y0, y1] = [corners[before][0], rows[before], rows[i]]
    const [low, high] = [Math.min(y0, y1), Math.max(y0, y1)]
    if (low === high || row < low || row > high || (row === high && !last)) return
    const x = x0 + ((x1 - x0) * (row - y0)) / (y1 - y0)
    left = Math.min(left, x)
    right = Math.max(right, x)
  })
  return [left, right]
}

// Darken three pixels across the line at each step along it. In fixed point, as in OpenCV, so that
// a line at the border between two units is rounded to the same side.
function smoothLine(picture, from, to) {
  const line = cut(from.map(inUnits), to.map(inUnits), 0, PICTURE_SIDE * UNIT - 1)
  if (!line) return
  const [wide, high] = [Math.abs(line[1][0] - line[0][0]), Math.abs(line[1][1] - line[0][1])]
  const along = wide > high ? 0 : 1
  const across = 1 - along
  const [start, end] = line[0][along] <= line[1][along] ? line : [line[1], line[0]]
  const length = end[along] - start[along]
  const slope = Math.trunc(((end[across] - start[across]) * UNIT) / (length | 1))
  const first = Math.floor(start[along] / UNIT)
  const steps = Math.floor(end[along] / UNIT) + 1 - first
  const [begun, ended] = [sixteenths(start[along]), sixteenths(end[along])]
  let middle = start[across] - Math.ceil((slope * (start[along] % UNIT)) / UNIT) + UNIT / 2
  const strength = steepness(slope)
  for (let step = 0; step <= steps; step += 1) {
    const cover = (strength * coveredPart(step, steps - step, begun, ended)) >> 8
    const nearest = Math.floor(middle / UNIT)
    const place = Math.floor((middle - nearest * UNIT) / (UNIT / STEPS))
    for (let beside = 0; beside < 3; beside += 1) {
      const amount = (cover * BELL[beside][place]) >> 8
      const [major, minor] = [first + step, nearest + beside - 1]
      if (along === 0) darken(picture, major, minor, amount)
      else darken(picture, minor, major, amount)
    }
    middle += slope
  }
}

// How much of a pixel, in 256ths, the line covers: it fades in over the first two steps and out
// over the last two.
function coveredPart(done, left, begun, ended) {
  const fadeIn = done > 1 ? 256 : 128 * done + 8 * (15 - begun) + 4
  const fadeOut = left > 1 ? 256 : 128 * left + 8 * ended + 4
  const short = done < 2 && left < 2 ? 4 : 0
  return Math.max(0, fadeIn + fadeOut - 256 + short)
}

// A slanted line has fewer steps than its length, so each is stronger.
function steepness(slope) {
  const level = slope < 0 ? -1 - Math.floor((slope * STEPS) / UNIT) : Math.floor((slope * STEPS) / UNIT)
  return level >= STEPS ? 256 : Math.floor(256 * Math.SQRT1_2 * Math.hypot(1, (level + 0.5) / STEPS))
}

function darken({ width, height, data }, x, y, amount) {
  if (amount <= 0 || x < 0 || x >= width || y < 0 || y >= height) return
  let value = data[y * width + x]
  for (let time = 0; time < 2; time += 1) value += (127 - value * amount) >> 8
  data[y * width + x] = value
}

// Clip a line to a square; null if it is outside.
function cut(from, to, low, high) {
  let [enters, leaves] = [0, 1]
  for (const axis of [0, 1]) {
    const step = to[axis] - from[axis]
    if (step === 0) {
      if (from[axis] < low || from[axis] > high) return null
      continue
    }
    const [near, far] = [(low - from[axis]) / step, (high - from[axis]) / step]
    enters = Math.max(enters, Math.min(near, far))
    leaves = Math.min(leaves, Math.max(near, far))
  }
  if (enters > leaves) return null
  const at = (part) => [0, 1].map((axis) => between(Math.round(from[axis] + part * (to[axis] - from[axis])), low, high))
  return [at(enters), at(leaves)]
}
