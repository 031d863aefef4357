// Where the 28 x 28 image of an answer lies on the pad: its ink is the ink of the drawing.

// A function from pixels of the image to pad units, [x, y, width, height] both; null for an answer
// that is not of the pad.
function frameOnPad({ image, ink }) {
  if (!image || !ink) return null
  let [left, top, right, bottom] = [28, 28, 0, 0]
  decodeBytes(image).forEach((value, i) => {
    if (!value) return
    const [x, y] = [i % 28, Math.floor(i / 28)];
    [left, right] = [Math.min(left, x), Math.max(right, x + 1)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y + 1)]
  })
  const scale = Math.max(ink[2], ink[3]) / Math.max(right - left, bottom - top)
  const corner = [
    ink[0] + ink[2] / 2 - ((left + right) / 2) * scale,
    ink[1] + ink[3] / 2 - ((top + bottom) / 2) * scale,
  ]
  return ([x, y, width, height]) => [corner[0] + x * scale, corner[1] + y * scale, width * scale, height * scale]
}
