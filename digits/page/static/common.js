// Shared by the parts of the page: the visitor's language, events between them, and what an answer holds.

const language = (navigator.languages || [navigator.language])
  .map((tag) => tag.slice(0, 2))
  .find((tag) => tag in props.words) || 'en'

function word(key, ...values) {
  return values.reduce((text, value, i) => text.replace(`{${i}}`, value), props.words[language][key])
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

// One box over a picture, in per cent so that it follows every size.
function boxOver(box, width, height, label) {
  const node = document.createElement('div')
  const [x, y, w, h] = box
  Object.assign(node.style, {
    left: `${(100 * x) / width}%`, top: `${(100 * y) / height}%`,
    width: `${(100 * w) / width}%`, height: `${(100 * h) / height}%`,
  })
  if (label !== undefined) node.dataset.digit = label
  return node
}

// The network that this visitor has chosen for the pad; null for the served one.
const chosenNetwork = () => document.body.dataset.digitsNetwork || null

function chooseNetwork(name) {
  document.body.dataset.digitsNetwork = name ?? ''
  tell('digits:network')
}

const topDigit = (answer) => answer.confidences.indexOf(Math.max(...answer.confidences))

// The share of "a digit, whichever": confidences are given that it is one, the score is not.
const digitShare = (answer) => Math.min(1, answer.score / Math.max(...answer.confidences))

const gray = (ink) => [ink, ink, ink]

// Paint 28 x 28 bytes; `color` turns the ink of a pixel, 0 to 255, and its place into a colour.
function paintImage(canvas, encoded, color) {
  const context = canvas.getContext('2d')
  const pixels = context.createImageData(28, 28)
  const bytes = atob(encoded)
  for (let i = 0; i < 784; i += 1) pixels.data.set([...color(bytes.charCodeAt(i), i), 255], 4 * i)
  context.putImageData(pixels, 0, 0)
}

// Relative to Gradio's root, which a proxy may have moved.
const rootUrl = (path) => new URL(path, `${(window.gradio_config?.root ?? location.href.split(/[?#]/)[0]).replace(/\/$/, '')}/`)

const apiUrl = (name) => rootUrl(`v1/${name}`)

const wholePercent = new Intl.NumberFormat(language, { style: 'percent' })

translate(element)
