// A picture that is pasted, or dropped anywhere on the page, goes to the upload tab. Without this
// a browser would leave the page for a dropped picture, and the drawing would be lost.

const UPLOAD_TAB = 'upload-tab-button'
const UPLOAD_INPUT = '#upload input[type=file]'

function pictureIn(transfer) {
  return [...(transfer ? transfer.files : [])].find((file) => file.type.startsWith('image/'))
}

async function handIn(file) {
  document.getElementById(UPLOAD_TAB).click()
  // The tab's content is made when it is first opened.
  let input
  while (!(input = document.querySelector(UPLOAD_INPUT))) await new Promise(requestAnimationFrame)
  const files = new DataTransfer()
  files.items.add(file)
  input.files = files.files
  input.dispatchEvent(new Event('change', { bubbles: true }))
}

document.addEventListener('paste', (event) => {
  const file = pictureIn(event.clipboardData)
  if (!file) return
  event.preventDefault()
  handIn(file)
})

// Gradio's own field takes what is dropped on it.
const takenByGradio = (event) => event.target.closest('#upload') !== null

document.addEventListener('dragover', (event) => {
  if (event.dataTransfer.types.includes('Files') && !takenByGradio(event)) event.preventDefault()
})

document.addEventListener('drop', (event) => {
  if (!event.dataTransfer.types.includes('Files') || takenByGradio(event)) return
  event.preventDefault()
  const file = pictureIn(event.dataTransfer)
  if (file) handIn(file)
})
