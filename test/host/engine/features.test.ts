import { afterEach, expect, test, vi } from 'vitest'
import { runJob } from '../../../host/engine/prepare-job.ts'
import { guest } from '../../guests/index.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

test('a component that this V8 cannot compile is refused, naming the features it uses and the reason', async () => {
  const component = await guest('simd')
  // A V8 without SIMD (Node 18 on MIPS): it refuses what the validator accepts.
  const validate = WebAssembly.validate.bind(WebAssembly)
  const compile = WebAssembly.compile.bind(WebAssembly)
  vi.spyOn(WebAssembly, 'validate').mockImplementation((bytes) => !usesSimd(bytes) && validate(bytes))
  vi.spyOn(WebAssembly, 'compile').mockImplementation(async (bytes) => {
    if ((bytes as Uint8Array).length < 100_000 && usesSimd(bytes)) {
      throw new WebAssembly.CompileError('Wasm SIMD unsupported')
    }
    return compile(bytes as Uint8Array<ArrayBuffer>)
  })
  await expect(
    runJob(component, { mode: 'prepare', memoryBytes: 1024 * 1024, tableEntries: 100, features: ['simd'] }),
  ).rejects.toMatchObject({
    code: 'ERR_FEATURE_MISSING',
    message: expect.stringMatching(/SIMD unsupported.*uses simd/) as string,
  })
})

function usesSimd(bytes: unknown): boolean {
  return Buffer.from(bytes as Uint8Array).includes(Buffer.of(0xfd, 0x11))
}
