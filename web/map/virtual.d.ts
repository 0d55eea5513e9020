declare module 'virtual:world' {
  const world: import('./world.ts').World
  export default world
}
