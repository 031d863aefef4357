// The networks of well-known demos beside the served one, asked about the same drawing while open:
// once as those demos show it to their network, once in MNIST's frame.

const COMPARE_MS = 250 // least time between two questions
const accuracy = new Intl.NumberFormat(language, { style: 'percent', minimumFractionDigits: 2 })

const compare = element.querySelector('.compare')
const table = compare.querySelector('table')
const [shrunkImage, normalizedImage] = compare.querySelectorAll('canvas')

let toCompare = null // the last answer, which holds its strokes; null for a blank pad
let compared = null // the one that the table shows
let compareBusy = false

async function askAll() {
  if (compareBusy) return
  compareBusy = true
  while (compare.open && toCompare && toCompare !== compared) {
    const asked = toCompare
    const found = await askLater('compare', { mode: 'digit', strokes: asked.strokes })
    if (!found) break
    compared = asked
    if (toCompare) showComparison(found)
    await new Promise((resolve) => { setTimeout(resolve, COMPARE_MS) })
  }
  compareBusy = false
}

function showComparison({ networks, shrunk, normalized }) {
  const ours = networks.at(-1).normalized.digit
  paintImage(shrunkImage, shrunk, gray)
  paintImage(normalizedImage, normalized, gray)
  table.tBodies[0].replaceChildren(...networks.map((row) => {
    const line = document.createElement('tr')
    line.classList.toggle('served', row.network === null)
    const name = document.createElement('th')
    name.scope = 'row'
    name.append(row.network ?? word('compare_served'), small(word('compare_mnist', accuracy.format(row.accuracy))))
    line.append(name, answerCell(row.shrunk, ours), answerCell(row.normalized, ours))
    return line
  }))
  setFilled(true)
}

function answerCell({ digit, confidence }, ours) {
  const cell = document.createElement('td')
  cell.classList.toggle('other', digit !== ours)
  const strong = document.createElement('b')
  strong.textContent = digit
  cell.append(strong, small(wholePercent.format(confidence)))
  return cell
}

function small(text) {
  const node = document.createElement('small')
  node.textContent = text
  return node
}

function setFilled(filled) {
  table.hidden = !filled
  compare.querySelector('.compare-none').hidden = filled
}

function compareWith({ source, answer }) {
  if (source !== 'draw' || !['digit', 'number', 'blank'].includes(answer.kind)) return
  toCompare = answer.kind === 'blank' ? null : answer
  if (toCompare) askAll()
  else setFilled(false)
}

// Closed, it neither listens nor asks.
document.addEventListener('digits:shown', ({ detail }) => { if (compare.open) compareWith(detail) })
compare.addEventListener('toggle', () => { if (compare.open) tell('digits:look') })
