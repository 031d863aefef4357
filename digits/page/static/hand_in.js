// A picture that is pasted, or dropped anywhere on the page, goes to the upload tab. Without this
// a browser would leave the page for a dropped picture, and the drawing would be lost.
// Gradio's field would refuse what the browser does not call an image, as Windows does an iPhone's
// HEIC, with "Only image/* allowed": the server sees such files too, and says what to do. What is
// too large is not sent at all.

const UPLOAD_INPUT = '#upload input[type=file]'

const isImage = (file) => file.type.startsWith('image/')

function pictureIn(transfer) {
  const files = [...(transfer ? transfer.files : [])]
  return files.find(isImage) || files[0]
}

function setFile(input, file) {
  const transfer = new DataTransfer()
  transfer.items.add(file)
  input.files = transfer.files
}

async function handIn(file) {
  document.getElementById('upload-tab-button').click()
  // The tab's content is made when it is first opened.
  let input
  while (!(input = document.querySelector(UPLOAD_INPUT))) await new Promise(requestAnimationFrame)
  setFile(input, file)
  input.dispatchEvent(new Event('change', { bubbles: true }))
}

document.addEventListener('digits:picture', ({ detail }) => handIn(detail))

const tellUpload = (answer) => tell('digits:answer', { source: 'upload', answer, final: answer.kind !== 'reading' })

// Gradio shows no answer, and no reason, where a picture does not reach the server.
document.addEventListener('digits:answer', async ({ detail }) => {
  if (detail.source !== 'upload' || detail.answer.kind !== 'reading') return
  await fetch(apiUrl('health')).catch(() => tellUpload({ kind: 'offline' }))
})

// Before Gradio's field sees it.
document.addEventListener('change', (event) => {
  const file = event.target.matches(UPLOAD_INPUT) && event.target.files[0]
  if (!file) return
  tellUpload({ kind: 'reading' })
  if (file.size > props.settings.max_file_bytes) {
    event.stopImmediatePropagation()
    event.target.value = ''
    tellUpload({ kind: 'problem', code: 'too_large' })
  } else if (!isImage(file)) {
    setFile(event.target, new File([file], file.name, { type: 'image/unknown' }))
  }
}, { capture: true })

document.addEventListener('paste', (event) => {
  const file = pictureIn(event.clipboardData)
  if (!file) return
  event.preventDefault()
  handIn(file)
})

document.addEventListener('dragover', (event) => {
  if (event.dataTransfer.types.includes('Files')) event.preventDefault()
})

// Before Gradio's field sees it.
document.addEventListener('drop', (event) => {
  if (!event.dataTransfer.types.includes('Files')) return
  const file = pictureIn(event.dataTransfer)
  event.preventDefault()
  event.stopPropagation()
  if (file) handIn(file)
}, { capture: true })
