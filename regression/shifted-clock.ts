/**
 * Preloaded into a process (`node --import`), sets its wall clock wrong. CLOCK is `<age>:<shift>,...`: from so many
 * milliseconds after the start on, the clock is ahead by so many milliseconds; negative shifts are behind.
 */
const steps = (process.env.CLOCK ?? '0:0').split(',').map((step) => step.split(':').map(Number) as [number, number])
const RealDate = Date

function now(): number {
  const shift = steps.findLast(([age]) => performance.now() >= age)?.[1] ?? 0
  return RealDate.now() + shift
}

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
})
