// Ten digits against the clock, in random order: each must be read before the next.

const BEST = 'digits:best'
const CLOCK_MS = 100
const LAST_STROKE_MS = 600 // grace period: a digit may be read before its last stroke

const roundButton = element.querySelector('[data-action=round]')
const goal = sketchpad.querySelector('.goal')
const goalSay = goal.querySelector('[role=status]')
const goalClock = goal.querySelector('[aria-hidden]')
const inSeconds = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 })

let toDraw = [] // the remaining digits of the round
let roundBegan = 0
let clockTimer = 0
let readTimer = 0

const roundSeconds = () => (performance.now() - roundBegan) / 1000

function nextDigit() {
  startBlank()
  goalSay.textContent = word('game_draw', toDraw[0], 11 - toDraw.length)
}

function startRound() {
  toDraw = Array.from({ length: 10 }, (_, digit) => [Math.random(), digit]).sort(([a], [b]) => a - b).map(([, digit]) => digit)
  roundBegan = performance.now()
  clockTimer = setInterval(() => { goalClock.textContent = ` · ${inSeconds.format(roundSeconds())} s` }, CLOCK_MS)
  roundButton.firstChild.textContent = word('game_stop')
  nextDigit()
}

function endRound(say) {
  clearInterval(clockTimer)
  clearTimeout(readTimer)
  toDraw = []
  goalClock.textContent = ''
  goalSay.textContent = say
  roundButton.firstChild.textContent = word('game')
}

function finishRound() {
  const seconds = roundSeconds()
  const best = Math.min(seconds, Number(readStore('localStorage', BEST)) || seconds)
  writeStore('localStorage', BEST, best)
  endRound(word('game_done', inSeconds.format(seconds), inSeconds.format(best)))
}

function takeDigit() {
  toDraw.shift()
  if (toDraw.length) nextDigit()
  else finishRound()
}

// Examples do not count.
document.addEventListener('digits:answer', ({ detail: { source, answer, final } }) => {
  if (source !== 'draw') return
  clearTimeout(readTimer)
  if (final && own && toDraw.length && answer.digit === toDraw[0]) readTimer = setTimeout(takeDigit, LAST_STROKE_MS)
})
sketchpad.addEventListener('pointerdown', () => {
  clearTimeout(readTimer)
  if (!toDraw.length) endRound('')
})

onPress(roundButton, () => {
  if (toDraw.length) endRound('')
  else startRound()
})
