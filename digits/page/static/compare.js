// The networks of well-known demos beside the served one, compared on the same drawing while open:
// once preprocessed as by those demos, once in MNIST's frame.

const table = fold.querySelector('table')
const [shrunkImage, normalizedImage] = fold.querySelectorAll('canvas')

function showComparison({ networks, shrunk, normalized }) {
  const ours = networks.at(-1).normalized.digit
  paintImage(shrunkImage, shrunk)
  paintImage(normalizedImage, normalized)
  const lines = [...table.tBodies[0].rows]
  networks.forEach((row, i) => {
    const line = lines[i] ?? newLine(row)
    line.lastChild.replaceWith(answerCell(row.normalized, ours))
    line.children[1].replaceWith(answerCell(row.shrunk, ours))
  })
  fold.dataset.filled = true
}

// Pressing a row lets its network answer the pad.
function newLine({ network, accuracy }) {
  const line = table.tBodies[0].insertRow()
  line.dataset.network = network ?? ''
  line.innerHTML = '<th scope="row"><button type="button"><b></b></button></th><td></td><td></td>'
  const button = line.querySelector('button')
  button.firstChild.textContent = network ?? word('compare_served')
  const notes = [word('compare_mnist', exactPercent.format(accuracy)), word('compare_answers')]
  button.append(...notes.map((note) => make('small', {}, note)))
  line.addEventListener('click', () => chooseNetwork(network))
  markChosen()
  return line
}

function markChosen() {
  for (const line of table.tBodies[0].rows) {
    const isChosen = line.dataset.network === (chosenNetwork() ?? '')
    line.classList.toggle('chosen', isChosen)
    line.querySelector('button').setAttribute('aria-pressed', isChosen)
  }
}

function answerCell({ digit, confidence }, ours) {
  const className = digit === ours ? '' : 'other'
  return make('td', { className }, make('b', {}, digit), make('small', {}, wholePercent.format(confidence)))
}

function compareWith({ source, answer }) {
  if (source !== 'draw' || !['digit', 'number', 'blank'].includes(answer.kind)) return
  wanted = answer.kind === 'blank' ? null : { answer, topic: source }
  if (wanted) askWhileOpen('compare', ({ strokes }) => ({ mode: 'digit', strokes }), showComparison)
  else delete fold.dataset.filled
}

document.addEventListener('digits:network', markChosen)
lookWhileOpen(compareWith)
