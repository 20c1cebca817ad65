// Shows the interface from the document beside this page. Tokens are kept in memory only, never in the browser's storage.
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  // A hundred operations drawn at once take a browser many seconds: each group opens when it is asked for.
  docExpansion: "none",
  defaultModelsExpandDepth: 0,
  persistAuthorization: false,
  validatorUrl: null,
  withCredentials: false,
});
