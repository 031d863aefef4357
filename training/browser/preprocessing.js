// From ink to the network's 28 x 28 image: a port of digits/preprocessing.py, with the same numbers.
// Ink is { width, height, data } with data from 0, paper, to 1, full ink.

const IMAGE_SIDE = 28
const BOX_SIDE = 20
const MIN_STROKE = 1.7
const EDGE = Math.fround(0.1)
const FINE = 4

const CUBIC = -0.75 // OpenCV's parameter of cubic interpolation
const STRAIGHT = Math.round(0.955 * 65536) // 3 x 3 distance transform: steps in 65536ths of a pixel
const DIAGONAL = Math.round(1.3693 * 65536)

// Python's round: halves to even.
function roundEven(value) {
  const down = Math.floor(value)
  if (value - down !== 0.5) return Math.round(value)
  return down % 2 === 0 ? down : down + 1
}

const newInk = (width, height) => ({ width, height, data: new Float32Array(width * height) })

// ---- MNIST's frame -------------------------------------------------------------------------

// The 784 values of the image, row by row; null without ink.
function normalize(ink) {
  const cropped = crop(ink)
  return cropped && centerByMass(fitToBox(thicken(cropped)))
}

function crop(ink) {
  const box = boundingBox(ink, (value) => value > EDGE)
  return box && cutOut(ink, box)
}

function thicken(ink) {
  let side = Math.max(ink.width, ink.height)
  if (side > BOX_SIDE * FINE) {
    ink = resize(ink, (BOX_SIDE * FINE) / side)
    side = BOX_SIDE * FINE
  }
  const width = (strokeWidth(ink) * BOX_SIDE) / side
  const missing = roundEven(((MIN_STROKE - width) * side) / BOX_SIDE)
  if (missing < 1) return ink
  const most = maximum(ink.data)
  const padded = pad(ink, missing)
  padded.data.forEach((value, i) => { padded.data[i] = value / most })
  return crop(dilate(padded, missing + 1))
}

// Four times the mean distance of the ink from its edge.
function strokeWidth(ink) {
  const half = 0.5 * maximum(ink.data)
  const { width, data } = pad(ink, 1)
  const far = Array.from(data, (value) => (value > half ? Infinity : 0))
  const near = (i, back) => Math.min(far[i],
    far[i - back] + STRAIGHT, far[i - back * width] + STRAIGHT,
    far[i - back * (width - 1)] + DIAGONAL, far[i - back * (width + 1)] + DIAGONAL)
  for (let i = 0; i < far.length; i += 1) if (far[i]) far[i] = near(i, 1)
  let [sum, count] = [0, 0]
  for (let i = far.length - 1; i >= 0; i -= 1) {
    if (!far[i]) continue
    far[i] = near(i, -1)
    // Measured to the center of the nearest paper pixel, half a pixel too far.
    sum += far[i] / 65536 - 0.5
    count += 1
  }
  return (4 * sum) / count
}

function fitToBox(ink) {
  return resize(ink, BOX_SIDE / Math.max(ink.width, ink.height))
}

function centerByMass(ink) {
  const { width, height, data } = ink
  let [mass, right, down] = [0, 0, 0]
  data.forEach((value, i) => {
    mass += value
    right += value * (i % width)
    down += value * Math.floor(i / width)
  })
  const corner = (moment, length) => between(Math.floor(IMAGE_SIDE / 2 - moment / mass + 0.5), 0, IMAGE_SIDE - length)
  const [left, top] = [-corner(right, width), -corner(down, height)]
  return cutOut(ink, { left, top, width: IMAGE_SIDE, height: IMAGE_SIDE }).data
}

// ---- operations on ink ---------------------------------------------------------------------

const maximum = (data) => data.reduce((most, value) => Math.max(most, value), 0)

// Crop to a box, with paper where it extends beyond the picture.
function cutOut({ width, height, data }, box) {
  const part = newInk(box.width, box.height)
  const [from, to] = [Math.max(0, box.left), Math.min(width, box.left + box.width)]
  for (let y = Math.max(0, box.top); y < Math.min(height, box.top + box.height); y += 1) {
    part.data.set(data.subarray(y * width + from, y * width + to), (y - box.top) * box.width + from - box.left)
  }
  return part
}

function pad(ink, margin) {
  const [width, height] = [ink.width + 2 * margin, ink.height + 2 * margin]
  return cutOut(ink, { left: -margin, top: -margin, width, height })
}

// Dilate with a disc of this diameter.
function dilate(ink, side) {
  const { width, height } = ink
  const grown = newInk(width, height)
  const center = Math.floor(side / 2)
  for (let top = -center; top < side - center; top += 1) {
    const reach = Math.round(Math.sqrt(center * center - top * top))
    for (let left = -reach; left <= Math.min(reach, side - center - 1); left += 1) {
      const moved = cutOut(ink, { left, top, width, height }).data
      moved.forEach((value, i) => { grown.data[i] = Math.max(grown.data[i], value) })
    }
  }
  return grown
}

// Shrink by averaging areas, enlarge by cubic interpolation.
function resize(ink, factor) {
  const resized = resizeAcross(resizeAcross(ink, factor), factor)
  resized.data.forEach((value, i) => { resized.data[i] = between(value, 0, 1) })
  return resized
}

// Resize the width only, and transpose.
function resizeAcross({ width, height, data }, factor) {
  const weigh = factor < 1 ? areaWeights : cubicWeights
  const weights = weigh(width, Math.max(1, roundEven(width * factor)))
  const turned = newInk(height, weights.length)
  weights.forEach((parts, x) => {
    for (let y = 0; y < height; y += 1) {
      turned.data[x * height + y] = parts.reduce((sum, [from, part]) => sum + part * data[y * width + from], 0)
    }
  })
  return turned
}

// For each new pixel, its source pixels and their weights.
function areaWeights(before, after) {
  const scale = before / after
  return Array.from({ length: after }, (_, i) => {
    const [start, end] = [i * scale, Math.min((i + 1) * scale, before)]
    const weights = []
    for (let from = Math.floor(start); from < Math.ceil(end - 1e-9); from += 1) {
      weights.push([from, (Math.min(end, from + 1) - Math.max(start, from)) / (end - start)])
    }
    return weights
  })
}

function cubicWeights(before, after) {
  const inner = (t) => (CUBIC + 2) * t ** 3 - (CUBIC + 3) * t ** 2 + 1
  const outer = (t) => CUBIC * (t ** 3 - 5 * t ** 2 + 8 * t - 4)
  return Array.from({ length: after }, (_, i) => {
    const center = ((i + 0.5) * before) / after - 0.5
    const first = Math.floor(center)
    const t = center - first
    return [[-1, outer(1 + t)], [0, inner(t)], [1, inner(1 - t)], [2, outer(2 - t)]]
      .map(([step, part]) => [between(first + step, 0, before - 1), part])
  })
}
