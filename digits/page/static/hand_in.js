// A picture that is chosen, photographed, pasted, or dropped anywhere on the page is sent to the
// server unless it is too large, and shown in the upload tab. Without this, the browser would
// navigate to a dropped picture and the drawing would be lost.

let picture = null // the last picture handed in
let turns = 0 // its rotation in quarter turns
let looks = 0 // sequence number of the newest request

const tellUpload = (answer) => tell('digits:answer', { source: 'upload', answer, final: answer.kind !== 'reading' })

async function askUpload() {
  if (picture.size > props.settings.max_file_bytes) return { kind: 'problem', code: 'too_large' }
  const { ok, answer } = await askServer(`look?turns=${turns}`, { body: picture })
  if (ok) return answer
  return answer?.error ? { kind: 'problem', text: answer.error } : { kind: 'offline' }
}

async function look() {
  const [number, start] = [++looks, performance.now()]
  tellUpload({ kind: 'reading' })
  const answer = await askUpload()
  if (number === looks) tellUpload({ ...answer, took: performance.now() - start })
}

function handIn(file) {
  document.getElementById('upload-tab-button').click()
  picture = file
  turns = 0
  look()
}

document.addEventListener('digits:picture', ({ detail }) => handIn(detail))
document.addEventListener('digits:turn', () => {
  turns = (turns + 1) % 4
  look()
})
document.addEventListener('digits:remove', () => {
  looks += 1
  tellUpload({ kind: 'blank', mode: 'upload' })
})

// Take the first picture that is pasted or dropped. Windows knows no type for HEIC, so other files
// are sent too: the server says what to do.
function handInFrom(event, transfer) {
  if (!transfer?.types.includes('Files')) return
  event.preventDefault()
  const files = [...transfer.files]
  const file = files.find(({ type }) => type.startsWith('image/')) || files[0]
  if (file) handIn(file)
}

document.addEventListener('paste', (event) => handInFrom(event, event.clipboardData))
document.addEventListener('drop', (event) => handInFrom(event, event.dataTransfer))
document.addEventListener('dragover', (event) => {
  if (event.dataTransfer.types.includes('Files')) event.preventDefault()
})
