export const TARGET_ADD_USAGE = `remit target add openapi FILE|URL --name NAME      a target file from an OpenAPI document (2.0, 3.x)
remit target add graphql FILE|URL --name NAME --server URL
                                                  from a GraphQL schema (SDL or introspection)
remit target add mcp --name NAME --server URL | FILE | -- COMMAND …
                                                  from the tools that an MCP server lists
  --accept-certain, --accept                        accept the guesses that are certain, or all
  --accept-arguments                                and what is proposed of the arguments of those that are accepted
  --set OPERATION=EFFECT[:SENSITIVITY]              say what one is; again for more
  --only PATTERN                                    of the operations whose name or path is like it (\`*\`: anything)
  --server URL  --out FILE                          its base URL; where to write (targets/NAME.yaml)`;
