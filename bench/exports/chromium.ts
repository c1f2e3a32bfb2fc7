import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

/** Where a Chromium may be. */
const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** What the page is told to do besides: to answer every image, and to write the answers where they can be read. */
const QUESTION = `
const pixels = Uint8Array.from(atob(document.querySelector('#images').textContent), c => c.charCodeAt(0))
const answers = new Float32Array((pixels.length / 784) * 10)
for (let from = 0, image = 0; from < pixels.length; from += 784, image++) {
  answers.set(runNetwork(model, weights, encode(model, pixels.subarray(from, from + 784))), image * 10)
}
const bytes = new Uint8Array(answers.buffer)
let text = ''
for (let from = 0; from < bytes.length; from += 1000) text += String.fromCharCode(...bytes.subarray(from, from + 1000))
document.body.innerHTML = '<p id="answers">' + btoa(text) + '</p>'
`

/** Runs the page in a browser, with the images in it. @returns null where there is no browser */
export async function runInChromium(
  file: Buffer,
  images: Uint8Array,
  folder: string,
): Promise<Float32Array | null> {
  const browser = BROWSERS.find(existsSync)
  if (!browser) return null
  const end = file.lastIndexOf('</script>')
  const data = `<script type="application/json" id="images">${Buffer.from(images).toString('base64')}</script>`
  const page = path.join(folder, 'page.html')
  const text = file.toString('utf8', 0, end) + QUESTION + file.toString('utf8', end)
  await writeFile(
    page,
    text.replace('</main>', () => `</main>${data}`),
  )
  const { stdout } = await promisify(execFile)(
    browser,
    [
      ...['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${path.join(folder, 'chromium')}`],
      ...['--virtual-time-budget=120000', '--dump-dom', `file://${page}`],
    ],
    { maxBuffer: 256 * 1024 ** 2 },
  )
  const [, answers] = /id="answers">([^<]*)</.exec(stdout) ?? []
  if (!answers || stdout.includes('runNetwork')) throw new Error('the page did not answer')
  return new Float32Array(new Uint8Array(Buffer.from(answers, 'base64')).buffer)
}
