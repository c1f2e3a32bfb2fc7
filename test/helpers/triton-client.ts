import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { stripes } from './idx.ts'
import { installPythonPackages } from './python-packages.ts'
import { type Json, TEST_KEY, type TestService } from './service.ts'

/** Pixels of an image of stripes. */
export const UNITS = 36

/** The first three test images of `uploadStripes`, a row of pixels each. */
export const IMAGES = [0, 1, 2].map(place => [
  ...stripes(30, 3, 6, 2).images.subarray(16 + place * UNITS, 16 + (place + 1) * UNITS),
])

/** What NVIDIA's client made of the answers of a service: what a script of test/triton-client prints. */
export async function askByClient(
  script: 'ask.py' | 'ask_grpc.py',
  address: string,
  rows: object[],
): Promise<Json> {
  const files = await Promise.all(
    IMAGES.map(image =>
      sharp(Buffer.from(image), { raw: { width: 6, height: 6, channels: 1 } })
        .png()
        .toBuffer(),
    ),
  )
  const question = {
    address,
    key: TEST_KEY,
    images: IMAGES,
    files: files.map(file => file.toString('base64')),
    rows,
  }
  const asking = promisify(execFile)(
    'python3',
    [fileURLToPath(new URL(`../triton-client/${script}`, import.meta.url))],
    {
      env: { ...process.env, PYTHONPATH: installPythonPackages('triton-client') },
      maxBuffer: 16 * 1024 ** 2,
      timeout: 50_000,
      killSignal: 'SIGKILL',
    },
  )
  asking.child.stdin?.end(JSON.stringify(question))
  return JSON.parse((await asking).stdout)
}

/** What our own route predicts. */
export async function predictOwn(service: TestService, name: string, body: object): Promise<Json[]> {
  const { predictions } = await service.json(`/v1/models/${name}/predict`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  })
  return predictions
}

/** Labels, and probabilities of the three classes in their order, that our own route gives for the images. */
export async function predictImages(service: TestService) {
  const predictions = await predictOwn(service, 'stripes', { instances: IMAGES })
  return {
    labels: predictions.map(({ label }): string => label),
    probabilities: predictions.flatMap(({ top }) =>
      ['0', '1', '2'].map((label): number => top.find((one: Json) => one.label === label).probability),
    ),
  }
}
