module ferroflux/upstream

go 1.26.0

// The version of Flux 2.9.4. Its definition of the API is a module of its own.
require (
	github.com/fluxcd/kustomize-controller v1.9.4
	github.com/fluxcd/kustomize-controller/api v1.9.4
)
