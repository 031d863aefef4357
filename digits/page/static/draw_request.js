// Requests to the server for the drawing on the pad.

const WIDE = 1.1 // minimum ratio of width to height of a rejected drawing to try as several digits

const NETWORK = 'digits:network'

// The chosen network is kept for the browser's tab.
const keptNetwork = readStore('sessionStorage', NETWORK)
if (props.settings.networks.includes(keptNetwork)) chooseNetwork(keptNetwork)
document.addEventListener('digits:network', () => writeStore('sessionStorage', NETWORK, chosenNetwork()))

// The answer to one request; undefined if it fails for any reason.
async function request(mode, strokes) {
  const network = chosenNetwork() ?? undefined
  const { ok, status, answer } = await postJson('draw', { mode, strokes, network, images: mode === 'number' })
  if (answer?.code === 'warming') return { kind: 'warming' }
  if (status === 422) return { kind: 'refused' }
  if (!ok) return undefined
  if (mode === 'number') return { kind: 'number', network, ...answer }
  return { kind: answer.reason === 'blank' ? 'blank' : 'digit', network, ...answer }
}

// Horizontally separate strokes may be several digits, as may a wide drawing that is rejected as a
// digit. Everything else takes one request.
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

// Number of groups of strokes with blank columns between them.
function countGroups(strokes) {
  let [groups, end] = [0, -Infinity]
  for (const [from, to] of spans(strokes, 0).sort((a, b) => a[0] - b[0])) {
    if (from > end) groups += 1
    end = Math.max(end, to)
  }
  return groups
}
