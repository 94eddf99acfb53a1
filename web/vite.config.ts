import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds a service: `hydro serve SITE`. */
const SERVICE = process.env["HYDRO_URL"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [svelte()],
  // The page may stand behind a proxy under any path: it names its parts relative to itself.
  base: "./",
  build: {
    outDir: "../api/assets",
    assetsDir: "parts",
    manifest: "parts.json",
    emptyOutDir: true,
    target: "es2022",
    chunkSizeWarningLimit: 1200,
  },
  worker: { format: "es" },
  server: { proxy: { "/api": { target: SERVICE, changeOrigin: true, headers: { Origin: SERVICE } } } },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
