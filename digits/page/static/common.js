// Shared by the parts of the page: language, events, DOM helpers, answers and requests.

const words = window.gradio_config.i18n_translations // by language and key
const language = (navigator.languages || [navigator.language])
  .map((tag) => tag.slice(0, 2))
  .find((tag) => tag in words) || 'en'

function word(key, ...values) {
  return values.reduce((text, value, i) => text.replace(`{${i}}`, value), words[language][key])
}

function translate(root) {
  root.querySelectorAll('[data-word]').forEach((node) => { node.textContent = word(node.dataset.word) })
  root.querySelectorAll('[data-word-label]').forEach((node) => {
    node.setAttribute('aria-label', word(node.dataset.wordLabel))
    if (node.tagName === 'BUTTON') node.title = word(node.dataset.wordLabel)
  })
}

function tell(name, detail) {
  document.dispatchEvent(new CustomEvent(name, { detail }))
}

const between = (value, low, high) => Math.max(low, Math.min(high, value))

const sleep = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds) })

// Create an element with these properties and content.
function make(tag, properties, ...content) {
  const node = Object.assign(document.createElement(tag), properties)
  node.append(...content)
  return node
}

// Position an element over a picture, in percent so that it scales along.
function placeOver(node, [x, y, w, h], width, height) {
  Object.assign(node.style, {
    left: `${(100 * x) / width}%`, top: `${(100 * y) / height}%`,
    width: `${(100 * w) / width}%`, height: `${(100 * h) / height}%`,
  })
}

function boxOver(box, width, height, label) {
  const node = make('div')
  placeOver(node, box, width, height)
  if (label !== undefined) node.dataset.digit = label
  return node
}

// The demo's network chosen for the pad; null for the served one.
const chosenNetwork = () => document.body.dataset.digitsNetwork || null

function chooseNetwork(name) {
  document.body.dataset.digitsNetwork = name ?? ''
  tell('digits:network')
}

const BESIDE = ['full', 'offline', 'warming', 'reading'] // kinds shown alongside the last answer

const topDigit = (answer) => answer.confidences.indexOf(Math.max(...answer.confidences))

// Probability that it is a digit at all: confidences are conditional on that, the score is not.
const digitShare = (answer) => Math.min(1, answer.score / Math.max(...answer.confidences))

const decodeBytes = (encoded) => Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0))

// `color` returns the RGBA of each pixel, 0 to 255.
function makePixels(width, height, color) {
  const pixels = new ImageData(width, height)
  for (let i = 0; i < width * height; i += 1) pixels.data.set(color(i), 4 * i)
  return pixels
}

function paintPixels(canvas, pixels) {
  canvas.width = pixels.width
  canvas.height = pixels.height
  canvas.getContext('2d').putImageData(pixels, 0, 0)
}

// Paint 28 x 28 bytes; `color` maps a pixel's ink, 0 to 255, and its index to RGB.
function paintImage(canvas, encoded, color = (ink) => [ink, ink, ink]) {
  const bytes = decodeBytes(encoded)
  paintPixels(canvas, makePixels(28, 28, (i) => [...color(bytes[i], i), 255]))
}

// Bounding box of the values for which `counts` holds; null if there is none.
function boundingBox({ width, height, data }, counts) {
  let [left, top, right, bottom] = [width, height, -1, -1]
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (!counts(data[y * width + x])) continue
      if (x < left) left = x
      if (x > right) right = x
      if (y < top) top = y
      bottom = y
    }
  }
  return right < 0 ? null : { left, top, width: right - left + 1, height: bottom - top + 1 }
}

// A function that maps a box [x, y, width, height] from pixels of an answer's 28 x 28 image to pad
// units, by matching the image's ink to the drawing's; null for an answer that is not of the pad.
function frameOnPad({ image, ink }) {
  const box = image && ink && boundingBox({ width: 28, height: 28, data: decodeBytes(image) }, Boolean)
  if (!box) return null
  const scale = Math.max(ink[2], ink[3]) / Math.max(box.width, box.height)
  const left = ink[0] + ink[2] / 2 - (box.left + box.width / 2) * scale
  const top = ink[1] + ink[3] / 2 - (box.top + box.height / 2) * scale
  return ([x, y, width, height]) => [left + x * scale, top + y * scale, width * scale, height * scale]
}

// Resolve a path against Gradio's root, which may lie below a proxy's path.
const rootUrl = (path) => new URL(path, `${(window.gradio_config?.root ?? location.href.split(/[?#]/)[0]).replace(/\/$/, '')}/`)

// The answer and its status; neither if the server cannot be reached.
async function askServer(path, options) {
  try {
    const response = await fetch(rootUrl(`v1/${path}`), { method: 'POST', ...options })
    return { ok: response.ok, status: response.status, answer: await response.json() }
  } catch {
    return { ok: false }
  }
}

function postJson(name, question, options) {
  const headers = { 'Content-Type': 'application/json' }
  return askServer(name, { headers, body: JSON.stringify(question), ...options })
}

const wholePercent = new Intl.NumberFormat(language, { style: 'percent' })
const exactPercent = new Intl.NumberFormat(language, { style: 'percent', minimumFractionDigits: 2 })

translate(element)
