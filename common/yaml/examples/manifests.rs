//! Prints typical manifests, about as many bytes as its argument says: input for benchmarks.

use std::io::Write as _;

use anyhow::Context as _;

fn main() -> anyhow::Result<()> {
    let size: usize =
        std::env::args().nth(1).context("usage: manifests BYTES")?.parse().context("not a number")?;
    let mut out = String::new();
    for number in 0.. {
        if out.len() >= size {
            break;
        }
        out.push_str(&application(number));
    }
    std::io::stdout().write_all(out.as_bytes()).context("failed to write standard output")
}

#[expect(clippy::too_many_lines, reason = "one text")]
fn application(number: usize) -> String {
    let name = format!("app-{number}");
    let image = format!("ghcr.io/example/{name}:1.{}.{}", number % 40, number % 7);
    format!(
        r#"---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  namespace: team-{team}
  labels:
    app.kubernetes.io/name: {name}
    app.kubernetes.io/part-of: "shop"
  annotations:
    description: "Serves the {name} part of the shop, behind the common gateway; see the runbook before you scale it"
spec:
  replicas: {replicas}
  selector:
    matchLabels:
      app.kubernetes.io/name: {name}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {name}
    spec:
      securityContext: {{runAsNonRoot: true, runAsUser: 65532}}
      containers:
        - name: main
          image: {image}
          args: ["--listen=:8080", "--log-level=info"]
          env:
            - name: PORT
              value: "8080"
            # set per cluster
            - name: NODE_NAME
              valueFrom:
                fieldRef:
                  fieldPath: spec.nodeName
          ports:
            - name: http
              containerPort: 8080
              protocol: TCP
          livenessProbe:
            httpGet:
              path: /healthz
              port: http
            initialDelaySeconds: 5
          resources:
            limits:
              cpu: 500m
              memory: 256Mi
            requests:
              cpu: 50m
              memory: 64Mi
      volumes:
        - name: config
          configMap:
            name: {name}
---
apiVersion: v1
kind: Service
metadata:
  name: {name}
  namespace: team-{team}
spec:
  type: ClusterIP
  ports:
    - port: 80
      targetPort: http
      protocol: TCP
  selector:
    app.kubernetes.io/name: {name}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
  namespace: team-{team}
data:
  app.properties: |
    server.port=8080
    server.name={name}
    # comment inside
    cache.size=1024
  mode: 'production'
  threshold: "0.75"
"#,
        team = number % 9,
        replicas = 1 + number % 5,
    )
}
