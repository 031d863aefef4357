// A drawing as text for a link: per stroke its brush width, its number of points and the deltas
// between them, as zigzag varints in URL-safe base64.

const MAX_CODE = 40000 // characters; a drawing with the maximum number of points takes fewer

function encodeDrawing(drawing) {
  const bytes = []
  const push = (value) => {
    for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128)
    bytes.push(value)
  }
  for (const [width, ...points] of drawing) {
    push(width)
    push(points.length / 2)
    // Zigzag: 0, -1, 1, -2, ... to 0, 1, 2, 3, ...
    points.forEach((value, i) => {
      const step = value - (points[i - 2] ?? 0)
      push(step < 0 ? -2 * step - 1 : 2 * step)
    })
  }
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')
}

// The drawing, or null if the code is invalid: links are untrusted.
function decodeDrawing(code) {
  if (!/^[\w-]+$/.test(code) || code.length > MAX_CODE) return null
  let bytes
  try {
    bytes = atob(code.replace(/-/g, '+').replace(/_/g, '/'))
  } catch {
    return null
  }
  let at = 0
  const pull = () => {
    let value = 0
    for (let shift = 0; shift < 21; shift += 7) {
      const byte = bytes.charCodeAt(at++) // NaN after the end
      value |= (byte & 127) << shift
      if (byte < 128) return value
    }
    return NaN
  }
  const drawing = []
  let points = 0
  while (at < bytes.length) {
    const stroke = [pull()]
    const length = 2 * pull()
    points += length / 2
    if (!(stroke[0] >= 1 && stroke[0] <= props.settings.max_brush && length > 0 && points <= props.settings.max_points)) return null
    for (let i = 0; i < length; i += 1) {
      const step = pull()
      const value = (i > 1 ? stroke[i - 1] : 0) + (step % 2 ? -(step + 1) / 2 : step / 2)
      if (!(Math.abs(value) <= 2 * PAD_HEIGHT)) return null
      stroke.push(value)
    }
    drawing.push(stroke)
  }
  return drawing
}
