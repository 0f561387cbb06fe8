"""Writes the trees that the benchmark builds: bases of ten resources each under one overlay."""

import pathlib

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  labels:
    app.kubernetes.io/name: {name}
  annotations:
    description: "Serves requests of {name}; see the handbook for its owners, its alerts and its service levels"
spec:
  replicas: 2
  selector:
    matchLabels:
      app: {name}
  strategy:
    rollingUpdate:
      maxUnavailable: 25%
  template:
    metadata:
      labels:
        app: {name}
      annotations:
        prometheus.io/scrape: "true"
    spec:
      serviceAccountName: {name}
      securityContext:
        runAsNonRoot: true
      initContainers:
      - name: migrate
        image: registry.example/team/migrate:1.0.0
        command: ["/migrate", "--database", "$(DATABASE_URL)"]
      containers:
      - name: main
        image: registry.example/team/app:1.0.0
        args:
        - --listen=:8080
        - --log-level=info # overridden per environment
        env:
        - name: MODE
          value: plain
        - name: SERVICE_HOST
          value: placeholder
        - name: LOG_LEVEL
          valueFrom:
            configMapKeyRef:
              name: shared-{shared}
              key: level
        - name: TOKEN
          valueFrom:
            secretKeyRef:
              name: token-{shared}
              key: token
        envFrom:
        - configMapRef:
            name: {name}
        ports:
        - name: http
          containerPort: 8080
        - name: metrics
          containerPort: 9090
        readinessProbe:
          httpGet:
            path: /ready
            port: http
          periodSeconds: 5
        resources:
          requests:
            cpu: 100m
            memory: 64Mi
          limits:
            memory: 128Mi
        volumeMounts:
        - name: config
          mountPath: /etc/app
        - name: data
          mountPath: /var/lib/app
      volumes:
      - name: config
        configMap:
          name: {name}
      - name: data
        persistentVolumeClaim:
          claimName: {name}
"""

OTHERS = {
    "service": """apiVersion: v1
kind: Service
metadata:
  name: {name}
spec:
  selector:
    app: {name}
  ports:
  - name: http
    port: 80
    targetPort: http
  - name: metrics
    port: 9090
    targetPort: metrics
""",
    "config": """apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
data:
  level: info
  app.yaml: |
    # settings of {name}
    server:
      listen: 0.0.0.0:8080
      timeouts:
        read: 10s
        write: 10s
    features:
    - search
    - export
""",
    "ingress": """apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {name}
  annotations:
    nginx.ingress.kubernetes.io/proxy-body-size: 8m
spec:
  tls:
  - hosts:
    - {name}.example
    secretName: {name}-tls
  rules:
  - host: {name}.example
    http:
      paths:
      - path: /
        pathType: Prefix
        backend:
          service:
            name: {name}
            port:
              name: http
""",
    "rbac": """apiVersion: v1
kind: ServiceAccount
metadata:
  name: {name}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {name}
rules:
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [{name}]
  verbs: [get, watch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {name}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {name}
subjects:
- kind: ServiceAccount
  name: {name}
""",
    "scaling": """apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {name}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {name}
  minReplicas: 2
  maxReplicas: 8
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {name}
spec:
  minAvailable: 1
  selector:
    matchLabels:
      app: {name}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {name}
spec:
  accessModes: [ReadWriteOnce]
  resources:
    requests:
      storage: 1Gi
""",
}

MERGE_PATCH = """- patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: {name}
    spec:
      replicas: 5
      template:
        spec:
          containers:
          - name: main
            env:
            - name: MODE
              value: patched
"""

JSON_PATCH = """- target:
    kind: Service
    name: {name}
  patch: |
    - op: add
      path: /spec/type
      value: NodePort
"""

REPLACEMENT = """- source:
    kind: Service
    name: {name}
    fieldPath: metadata.name
  targets:
  - select:
      kind: Deployment
      name: {name}
    fieldPaths:
    - spec.template.spec.containers.[name=main].env.[name=SERVICE_HOST].value
"""


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def write_base(folder, number, shared):
    """A base of ten resources; its deployment reads the generated objects with the number `shared`."""
    name = f"app-{number}"
    write(folder / "deployment.yaml", DEPLOYMENT.format(name=name, shared=shared))
    for file, text in OTHERS.items():
        write(folder / f"{file}.yaml", text.format(name=name))
    files = ["deployment", *OTHERS]
    write(
        folder / "kustomization.yaml",
        "resources:\n" + "".join(f"- {file}.yaml\n" for file in files),
    )


def write_small(root):
    """One base of ten resources with what most of them have: a namespace, labels and an image."""
    write_base(root, 0, 0)
    with (root / "kustomization.yaml").open("a") as file:
        file.write(
            "namespace: production\n"
            "labels:\n- pairs:\n    team: platform\n"
            "images:\n- name: registry.example/team/app\n  newTag: 2.0.0\n"
        )


def write_overlay(root, bases):
    """An overlay over `bases` bases; for every 100 of them 50 patches, 20 generators and 10 replacements."""
    patches, generators, replacements = bases // 2, bases // 5, bases // 10
    for number in range(bases):
        write_base(root / f"bases/base-{number}", number, number % (generators // 2))
    text = ["namespace: production\nnamePrefix: eu-\nresources:\n"]
    text += [f"- ../bases/base-{number}\n" for number in range(bases)]
    text.append(
        "labels:\n- pairs:\n    environment: production\n  includeSelectors: true\n"
        "- pairs:\n    team: platform\n"
        "images:\n- name: registry.example/team/app\n  newTag: 2.0.0\n"
        "- name: registry.example/team/migrate\n  newName: mirror.example/migrate\n"
    )
    text.append("configMapGenerator:\n")
    for number in range(generators // 2):
        text.append(f"- name: shared-{number}\n  literals: [level=debug]\n  files: [notes.txt]\n")
    text.append("secretGenerator:\n")
    for number in range(generators - generators // 2):
        text.append(f"- name: token-{number}\n  literals: [token=secret-{number}]\n")
    text.append("patches:\n")
    for number in range(patches):
        patch = MERGE_PATCH if number % 2 == 0 else JSON_PATCH
        text.append(patch.format(name=f"app-{number}"))
    text.append("replacements:\n")
    text += [REPLACEMENT.format(name=f"app-{number}") for number in range(replacements)]
    write(root / "overlay/kustomization.yaml", "".join(text))
    write(root / "overlay/notes.txt", "".join(f"line {number} of a note\n" for number in range(40)))


def write_all(root):
    root = pathlib.Path(root)
    write_small(root / "small")
    write_overlay(root / "thousand", 100)
    write_overlay(root / "ten-thousand", 1000)
    return {
        "10 resources": root / "small",
        "1,000 resources": root / "thousand/overlay",
        "10,000 resources": root / "ten-thousand/overlay",
    }
