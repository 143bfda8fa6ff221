// The page of /docs: Swagger UI on the description of this exchange.

import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";
import { resolved } from "./model/resolve";
import "./styles/docs.css";

const dark = matchMedia("(prefers-color-scheme: dark)");
const paint = (): void => void document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", paint);
paint();

SwaggerUI({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null, // it would ask a server elsewhere
  // Its own resolver reads the whole document again for each call that is opened, which takes seconds.
  plugins: [{ fn: { resolveSubtree: (document: Parameters<typeof resolved>[0], path: string[]) => ({ spec: resolved(document, path), errors: [] }) } }],
});
