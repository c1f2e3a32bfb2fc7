// A canvas to draw on, whose contents are handed on in the size that the model was trained on.

/** Pixels of the canvas are so many that a pen has room. */
const SIDE = 280

/** As in MNIST: a digit fits a box of 20 pixels in an image of 28. */
const BOX = 20 / 28

/**
 * Makes the canvas of an image model.
 * @param {HTMLElement} place
 * @param {(features: Float64Array) => void} onChange - gets `[height, width, channels]`, 0 … 255
 */
export function createDrawing(place, { shape, preprocessing }, onChange) {
  const [height, width, channels] = shape
  const factor = Math.max(1, Math.round(SIDE / Math.max(height, width)))
  const canvas = place.querySelector('#canvas')
  const seen = place.querySelector('#seen')
  const [ink, isDark, fits] = ['#ink', '#dark', '#fits'].map(id => place.querySelector(id))
  Object.assign(canvas, { width: width * factor, height: height * factor })
  Object.assign(seen, { width, height })
  const pen = canvas.getContext('2d', { willReadFrequently: true })
  isDark.checked = preprocessing.image?.invert === true
  fits.checked = channels === 1 && height === 28 && width === 28
  ink.closest('label').hidden = channels === 1
  let isEmpty = true

  const paper = () => (isDark.checked ? '#ffffff' : '#000000')
  const clear = () => {
    pen.fillStyle = paper()
    pen.fillRect(0, 0, canvas.width, canvas.height)
    ink.value = isDark.checked ? '#000000' : '#ffffff'
    isEmpty = true
    change()
  }
  const change = () => {
    const features = shrink(fits.checked ? fitToFrame(canvas, paper()) : pen, shape, factor)
    drawSeen(seen, features, shape)
    onChange(isEmpty ? null : features)
  }
  const at = event => {
    const box = canvas.getBoundingClientRect()
    return [
      ((event.clientX - box.left) / box.width) * canvas.width,
      ((event.clientY - box.top) / box.height) * canvas.height,
    ]
  }
  canvas.addEventListener('pointerdown', event => {
    event.preventDefault()
    canvas.focus()
    if (event.isTrusted) canvas.setPointerCapture(event.pointerId)
    Object.assign(pen, {
      strokeStyle: ink.value,
      lineWidth: Math.max(canvas.width, canvas.height) * 0.075,
      lineCap: 'round',
      lineJoin: 'round',
    })
    pen.beginPath()
    pen.moveTo(...at(event))
    pen.lineTo(...at(event))
    pen.stroke()
    isEmpty = false
    change()
  })
  canvas.addEventListener('pointermove', event => {
    if (event.buttons === 0) return
    pen.lineTo(...at(event))
    pen.stroke()
    change()
  })
  place.querySelector('#clear').addEventListener('click', clear)
  isDark.addEventListener('change', clear)
  fits.addEventListener('change', change)
  place.querySelector('#file').addEventListener('change', async ({ target }) => {
    const [file] = target.files
    if (!file) return
    const image = await createImageBitmap(file)
    pen.fillStyle = '#000000'
    pen.fillRect(0, 0, canvas.width, canvas.height)
    pen.drawImage(image, ...placeImage(image, canvas, preprocessing.image?.fit ?? 'fill'))
    fits.checked = false
    isEmpty = false
    change()
  })
  clear()
}

/** Where an image goes: stretched, whole with margins, or cut off. */
function placeImage(image, { width, height }, fit) {
  if (fit === 'fill') return [0, 0, width, height]
  const scales = [width / image.width, height / image.height]
  const scale = fit === 'contain' ? Math.min(...scales) : Math.max(...scales)
  const [wide, high] = [image.width * scale, image.height * scale]
  return [(width - wide) / 2, (height - high) / 2, wide, high]
}

/** The mean color of each block of the canvas. */
function shrink(pen, [height, width, channels], factor) {
  const { data } = pen.getImageData(0, 0, width * factor, height * factor)
  const features = new Float64Array(height * width * channels)
  for (let y = 0; y < height * factor; y++) {
    for (let x = 0; x < width * factor; x++) {
      const from = (y * width * factor + x) * 4
      const to = (Math.floor(y / factor) * width + Math.floor(x / factor)) * channels
      if (channels === 1) features[to] += grayOf(data, from)
      else for (let channel = 0; channel < channels; channel++) features[to + channel] += data[from + channel]
    }
  }
  return features.map(sum => Math.round(sum / factor ** 2))
}

function grayOf(data, from) {
  return 0.2126 * data[from] + 0.7152 * data[from + 1] + 0.0722 * data[from + 2]
}

/** The drawing as large as in MNIST, with its center of mass in the middle. */
function fitToFrame(canvas, paper) {
  const { width, height } = canvas
  const copy = Object.assign(document.createElement('canvas'), { width, height })
  const pen = copy.getContext('2d', { willReadFrequently: true })
  pen.fillStyle = paper
  pen.fillRect(0, 0, width, height)
  const { data } = canvas.getContext('2d').getImageData(0, 0, width, height)
  const ground = paper === '#ffffff' ? 255 : 0
  let [left, right, top, bottom, mass, sumX, sumY] = [width, 0, height, 0, 0, 0, 0]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const weight = Math.abs(grayOf(data, (y * width + x) * 4) - ground)
      if (weight < 32) continue
      ;[left, right] = [Math.min(left, x), Math.max(right, x + 1)]
      ;[top, bottom] = [Math.min(top, y), Math.max(bottom, y + 1)]
      mass += weight
      sumX += weight * x
      sumY += weight * y
    }
  }
  if (mass === 0) return pen
  const scale = (Math.min(width, height) * BOX) / Math.max(right - left, bottom - top)
  const [x, y] = [width / 2 - (sumX / mass - left) * scale, height / 2 - (sumY / mass - top) * scale]
  pen.imageSmoothingQuality = 'high'
  pen.drawImage(
    canvas,
    left,
    top,
    right - left,
    bottom - top,
    x,
    y,
    (right - left) * scale,
    (bottom - top) * scale,
  )
  return pen
}

/** Shows what goes into the network. */
function drawSeen(seen, features, [height, width, channels]) {
  const image = new ImageData(width, height)
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      image.data[pixel * 4 + channel] = features[pixel * channels + (channels === 1 ? 0 : channel)]
    }
    image.data[pixel * 4 + 3] = channels === 4 ? features[pixel * 4 + 3] : 255
  }
  seen.getContext('2d').putImageData(image, 0, 0)
}
