// Ask the server what a drawing says.

const WIDE = 1.1 // width to height of what may be several digits

const NETWORK = 'digits:network'

// The choice of a network holds as long as the browser's tab, and is no other visitor's affair.
const keptNetwork = readStore('sessionStorage', NETWORK)
if (props.settings.networks.includes(keptNetwork)) chooseNetwork(keptNetwork)
document.addEventListener('digits:network', () => writeStore('sessionStorage', NETWORK, chosenNetwork()))

// The answer to one question, or undefined where the server gives none, whatever the cause.
async function request(mode, strokes) {
  const network = chosenNetwork() ?? undefined
  const { ok, status, answer } = await postJson('draw', { mode, strokes, network, images: mode === 'number' })
  if (answer?.code === 'warming') return { kind: 'warming' }
  if (status === 422) return { kind: 'refused' }
  if (!ok) return undefined
  if (mode === 'number') return { kind: 'number', network, ...answer }
  return { kind: answer.reason === 'blank' ? 'blank' : 'digit', network, ...answer }
}

// Strokes apart from left to right may be several digits, as may what is wide and no digit; all
// other ink is answered by one question.
async function readDrawing(strokes, lifted) {
  const several = countGroups(strokes) > 1
  if (several && !lifted) {
    const reading = await request('number', strokes)
    return reading?.digits?.length < 2 ? { kind: 'reading' } : reading
  }
  const number = several && request('number', strokes)
  const digit = await request('digit', strokes)
  if (!several && !(lifted && digit?.reason === 'not a digit' && isWide(strokes))) return digit
  const reading = await (number || request('number', strokes))
  return reading?.digits?.length > 1 ? reading : digit
}

function isWide(strokes) {
  const [[left, right], [top, bottom]] = reachOf(strokes)
  return right - left > WIDE * (bottom - top)
}

// Runs of ink with a column of paper between them.
function countGroups(strokes) {
  let [groups, end] = [0, -Infinity]
  for (const [from, to] of spans(strokes, 0).sort((a, b) => a[0] - b[0])) {
    if (from > end) groups += 1
    end = Math.max(end, to)
  }
  return groups
}
