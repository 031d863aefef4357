// Shared by the pad and the answer: the visitor's language, and the events between the two.

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

translate(element)
