//! What the benchmarks deliver, and the Flux objects that deliver it.

use flux_e2e::NAMESPACE;
use serde_json::{Value, json};

/// The files of the application: a Deployment at zero replicas, a `ServiceAccount`, a headless Service and an Ingress.
pub(crate) fn application(version: &str) -> Vec<(String, String)> {
    let file = |name: &str, text: String| (format!("app/{name}.yaml"), text);
    vec![
        file("kustomization", KUSTOMIZATION.to_owned()),
        file("deployment", deployment(version, 0)),
        file("serviceaccount", SERVICE_ACCOUNT.to_owned()),
        file("service", SERVICE.to_owned()),
        file("ingress", INGRESS.to_owned()),
    ]
}

/// A Deployment whose template carries a version.
pub(crate) fn deployment(version: &str, replicas: u32) -> String {
    DEPLOYMENT.replace("${VERSION}", version).replace("${REPLICAS}", &replicas.to_string())
}

/// A `GitRepository` of the controllers' namespace.
pub(crate) fn git_repository(name: &str, url: &str) -> Value {
    json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"interval": "1h", "url": url, "ref": {"branch": "main"}, "timeout": "60s"},
    })
}

/// A Kustomization of the directory `app`, into a namespace of its own.
pub(crate) fn kustomization(name: &str, source: &str) -> Value {
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "interval": "1h",
            "timeout": "5m",
            "path": "./app",
            "prune": true,
            "wait": true,
            "targetNamespace": name,
            "sourceRef": {"kind": "GitRepository", "name": source},
        },
    })
}

/// A namespace.
pub(crate) fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

const KUSTOMIZATION: &str = "apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - deployment.yaml
  - serviceaccount.yaml
  - service.yaml
  - ingress.yaml
";

const DEPLOYMENT: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: app
  labels:
    app.kubernetes.io/name: app
spec:
  replicas: ${REPLICAS}
  selector:
    matchLabels:
      app.kubernetes.io/name: app
  template:
    metadata:
      labels:
        app.kubernetes.io/name: app
      annotations:
        example.com/version: "${VERSION}"
    spec:
      serviceAccountName: app
      containers:
        - name: app
          image: registry.example.com/app:1.0.0
          ports:
            - name: http
              containerPort: 8080
          resources:
            requests:
              cpu: 10m
              memory: 16Mi
"#;

const SERVICE_ACCOUNT: &str = "apiVersion: v1
kind: ServiceAccount
metadata:
  name: app
";

const SERVICE: &str = "apiVersion: v1
kind: Service
metadata:
  name: app
spec:
  clusterIP: None
  selector:
    app.kubernetes.io/name: app
  ports:
    - name: http
      port: 8080
";

const INGRESS: &str = "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: app
spec:
  rules:
    - host: app.example.com
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: app
                port:
                  name: http
";
