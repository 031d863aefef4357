// Sharing and saving: a link that contains the drawing, its picture as a file, and the last drawings,
// which stay in this browser.

const LINK = '#d='
const LAST = 'digits:drawings'
const MOST_LAST = 8
const SAID_MS = 4000

const keepSaid = element.querySelector('.keep-said')
const lastButtons = element.querySelector('.last-drawings')
let saidTimer = 0

function sayKept(key) {
  keepSaid.textContent = word(key)
  clearTimeout(saidTimer)
  saidTimer = setTimeout(() => { keepSaid.textContent = '' }, SAID_MS)
}

// ---- the link ------------------------------------------------------------------------------

// Without the query, which holds a token on a private Space.
async function copyLink() {
  if (strokes.length === 0) return
  const hash = LINK + encodeDrawing(strokes)
  history.replaceState(history.state, '', hash)
  try {
    await navigator.clipboard.writeText(location.href.split(/[?#]/)[0] + hash)
    sayKept('link_copied')
  } catch {
    sayKept('link_shown')
  }
}

function openLink() {
  if (!location.hash.startsWith(LINK)) return
  const drawing = decodeDrawing(location.hash.slice(LINK.length))
  if (drawing) replay(drawing)
  else dropLink()
}

const dropLink = () => history.replaceState(history.state, '', location.pathname + location.search)

// Drop the link from the address bar once it no longer matches the pad.
document.addEventListener('digits:answer', ({ detail }) => {
  if (detail.source !== 'draw' || !detail.final || !location.hash.startsWith(LINK)) return
  if (location.hash !== LINK + encodeDrawing(strokes)) dropLink()
})

addEventListener('hashchange', openLink)

// ---- the picture ---------------------------------------------------------------------------

function savePicture() {
  if (strokes.length === 0) return
  const picture = make('canvas', { width: canvas.width, height: canvas.height })
  const paper = picture.getContext('2d')
  paper.fillStyle = '#fff'
  paper.fillRect(0, 0, picture.width, picture.height)
  paper.drawImage(canvas, 0, 0)
  picture.toBlob((content) => {
    const link = make('a', { href: URL.createObjectURL(content), download: `${word('picture_name')}.png` })
    link.click()
    URL.revokeObjectURL(link.href)
  })
}

// ---- the last drawings ---------------------------------------------------------------------

function lastCodes() {
  const codes = readStore('localStorage', LAST)
  return Array.isArray(codes) ? codes.filter((code) => typeof code === 'string').slice(0, MOST_LAST) : []
}

function showLast() {
  const drawings = lastCodes().map(decodeDrawing).filter(Boolean)
  lastButtons.replaceChildren(...drawings.map((drawing, i) => drawingButton(drawing, word('last_drawing', i + 1))))
}

function keepLast(drawing) {
  const code = encodeDrawing(drawing)
  writeStore('localStorage', LAST, [code, ...lastCodes().filter((other) => other !== code)].slice(0, MOST_LAST))
}

function forgetLast() {
  try { localStorage.removeItem(LAST) } catch { /* no storage, nothing stored */ }
  showLast()
}

// A drawing is kept when it is replaced or the page is left.
document.addEventListener('digits:replaced', ({ detail }) => {
  keepLast(detail)
  showLast()
})
addEventListener('pagehide', () => { if (own && strokes.length) keepLast(strokes) })

// ---- start ---------------------------------------------------------------------------------

for (const [name, act] of [['link', copyLink], ['picture', savePicture], ['forget', forgetLast]]) {
  onPress(element.querySelector(`[data-action=${name}]`), act)
}
showLast()
openLink()
