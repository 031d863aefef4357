// The upload tab: three ways to hand in a picture, and the picture, upright, with the boxes of what
// was read.

const drop = element.querySelector('.drop')
const seenPicture = drop.querySelector('.seen-picture')
const camera = drop.querySelector('.camera')
const fileInput = drop.querySelector('input')
const dropSaid = drop.querySelector('.drop-said')

function setState(state) {
  drop.dataset.state = state
  dropSaid.textContent = ''
  camera.srcObject?.getTracks().forEach((track) => track.stop())
  camera.srcObject = null
}

// ---- three ways ----------------------------------------------------------------------------

// On a phone, its camera app is used: it can focus and zoom.
function chooseFile(fromCamera) {
  if (fromCamera) fileInput.setAttribute('capture', 'environment')
  else fileInput.removeAttribute('capture')
  fileInput.click()
}

async function openCamera() {
  if (matchMedia('(hover: none)').matches) {
    chooseFile(true)
    return
  }
  try {
    const video = { facingMode: 'environment', width: { ideal: 1920 } }
    const stream = await navigator.mediaDevices.getUserMedia({ video })
    setState('camera')
    camera.srcObject = stream
    await camera.play()
  } catch {
    dropSaid.textContent = word('photo_none')
  }
}

function takePhoto() {
  const photo = make('canvas', { width: camera.videoWidth, height: camera.videoHeight })
  photo.getContext('2d').drawImage(camera, 0, 0)
  closeCamera()
  photo.toBlob((content) => tell('digits:picture', content))
}

function closeCamera() {
  if (drop.dataset.state === 'camera') setState(seenPicture.querySelector('img').src ? 'picture' : 'empty')
}

async function pastePicture() {
  try {
    for (const item of await navigator.clipboard.read()) {
      const type = item.types.find((one) => one.startsWith('image/'))
      if (!type) continue
      tell('digits:picture', await item.getType(type))
      return
    }
  } catch { /* denied, or not supported by this browser */ }
  dropSaid.textContent = word('paste_none')
}

// ---- the picture ---------------------------------------------------------------------------

function showPicture({ picture, size, boxes, unread, digits, digit }) {
  const image = seenPicture.querySelector('img')
  if (!picture) {
    image.removeAttribute('src')
    setState('empty')
    return
  }
  setState('picture')
  image.src = picture
  const read = boxes.map((box, i) => boxOver(box, ...size, digits?.[i].digit ?? digit ?? undefined))
  const left = unread.map((box) => boxOver(box, ...size))
  left.forEach((node) => { node.className = 'unread' })
  seenPicture.querySelector('.boxes').replaceChildren(...left, ...read)
  drop.querySelector('.legend-read').hidden = read.length === 0
  drop.querySelector('.legend-unread').hidden = left.length === 0
}

document.addEventListener('digits:shown', ({ detail: { source, answer } }) => {
  if (source !== 'upload') return
  drop.dataset.stale = answer.kind === 'reading'
  if (answer.kind === 'reading') setState(drop.dataset.state)
  else if (answer.kind !== 'offline') showPicture(answer)
})

document.addEventListener('digits:source', closeCamera)

// ---- start ---------------------------------------------------------------------------------

const ACTIONS = {
  choose: () => chooseFile(false),
  photo: openCamera,
  paste: pastePicture,
  shoot: takePhoto,
  cancel: closeCamera,
  turn: () => tell('digits:turn'),
  remove: () => tell('digits:remove'),
}
for (const [name, act] of Object.entries(ACTIONS)) {
  element.querySelector(`[data-action=${name}]`).addEventListener('click', act)
}
fileInput.addEventListener('change', () => {
  if (fileInput.files.length) tell('digits:picture', fileInput.files[0])
  fileInput.value = '' // so that the same file can be chosen again
})
drop.querySelector('.drop-here').parentNode.addEventListener('click', () => { if (drop.dataset.state === 'empty') chooseFile(false) })
for (const name of ['dragover', 'dragleave', 'drop']) {
  element.addEventListener(name, () => { drop.dataset.over = name === 'dragover' }, { capture: true })
}
tell('digits:look')
