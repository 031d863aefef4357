// What the app's server does for its page, done here: it reads drawings (digits/recognizer.py).

function readProbabilities(image, probabilities) {
  const digits = [...probabilities.slice(0, 10)]
  const score = Math.max(...digits)
  const sum = digits.reduce((total, value) => total + value, 0)
  const refused = score < ABOUT.rejection_threshold
  return {
    kind: 'digit',
    digit: refused ? null : digits.indexOf(score),
    reason: refused ? 'not a digit' : null,
    confidences: digits.map((value) => value / sum),
    score,
    image: encodeImage(image),
    model: ABOUT.model,
  }
}

// 784 bytes in base64, 255 full ink, as digits/page/why.py writes them.
function encodeImage(image) {
  return btoa(String.fromCharCode(...Array.from(image, (ink) => roundEven(ink * 255))))
}

let network = null
let problem = null
let queue = loadNetwork().then(
  (ready) => { network = ready },
  (error) => {
    console.error(error)
    problem = `${pageWord('cannot_load')} (${error.message})`
  },
)

async function readStrokes(strokes) {
  const image = normalize(drawStrokes(strokes))
  if (!image) return { kind: 'blank', model: ABOUT.model }
  // One after the other: the runtime computes one answer at a time.
  const probabilities = queue.then(() => network(image))
  queue = probabilities.catch(() => {})
  return readProbabilities(image, await probabilities)
}

// What the pad asks, as digits/page/draw_request.js asks the server.
async function readDrawing(strokes) {
  if (problem) return { kind: 'problem', text: problem }
  if (!network) return { kind: 'warming' }
  try {
    return await readStrokes(strokes)
  } catch (error) {
    console.error(error)
    return undefined // as for a call that failed: the pad asks again
  }
}

const server = {
  async read_status() {
    return { ready: network !== null, weights: ABOUT.weights, problem, model: ABOUT.model }
  },
}

// What the page can do, for scripts of others and for the tests: strokes in, an answer out.
globalThis.digits = { read: readStrokes }
