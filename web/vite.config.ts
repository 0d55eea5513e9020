import { defineConfig } from 'vite'
import { world } from './map/plugin.ts'

export default defineConfig({
  plugins: [world()],
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    target: 'es2022',
    // The page's Content-Security-Policy allows no data: URL and no inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // On a busy machine it would tell users about the build.
    rolldownOptions: { checks: { bundlerTimings: false } },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:5001' } },
})
