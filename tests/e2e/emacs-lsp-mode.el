;;; emacs-lsp-mode.el --- Postil in Emacs with lsp-mode, in batch  -*- lexical-binding: t -*-
;; emacs --batch -Q -l emacs-lsp-mode.el FOLDER     exit code 1 when a check failed

(dolist (folder (directory-files (getenv "POSTIL_TEST_ELPA") t "^[a-z]"))
  (unless (string-match-p "/\\(eglot\\|project\\|xref\\|seq\\)-" folder)
    (add-to-list 'load-path folder)))
(require 'cl-lib)
(require 'lsp-mode)
(require 'lsp-diagnostics)

(defvar folder (file-name-as-directory (car command-line-args-left)))
(setq command-line-args-left nil)
(setq make-backup-files nil create-lockfiles nil
      lsp-session-file (concat folder "../lsp-session")
      lsp-server-install-dir (concat folder "../lsp-servers")
      lsp-auto-guess-root t lsp-enable-file-watchers nil lsp-enable-snippet nil
      lsp-headerline-breadcrumb-enable nil lsp-modeline-code-actions-enable nil
      lsp-diagnostics-provider :flymake lsp-warn-no-matched-clients nil)
(defvar failed 0)

(defun check (name ok &optional detail)
  (unless ok (setq failed (1+ failed)))
  (princ (format "%s %s%s\n" (if ok "ok" "FAILED") name (if detail (format " -- %S" detail) "")))
  ok)

(defun wait-for (seconds condition)
  (let ((end (+ (float-time) seconds)) found)
    (while (and (not (setq found (funcall condition))) (< (float-time) end))
      (accept-process-output nil 0.02))
    found))

;; What editors/README.md tells a user to write.
(load (getenv "POSTIL_TEST_CONFIGURATION") nil t)

(find-file (concat folder "caller.py"))
(lsp-workspace-folders-add folder)
(lsp)
(check "the server attaches" (wait-for 30 #'lsp-workspaces))
(wait-for 30 (lambda () (cl-every (lambda (w) (eq (lsp--workspace-status w) 'initialized))
                                  (lsp-workspaces))))
(let ((report (with-temp-buffer (insert-file-contents (concat folder "report.txt"))
                                (buffer-string))))
  (let ((result (lsp-request "workspace/executeCommand"
                             (list :command "postil.locate"
                                   :arguments (vector (list :report report))))))
    (check "a report is located" result)))
(check "the finding is a diagnostic"
       (wait-for 20 (lambda ()
                      (cl-some (lambda (d) (string-match-p "gives 3" (lsp:diagnostic-message d)))
                               (apply #'append (hash-table-values (lsp-diagnostics t)))))))
(goto-char (point-min))
(search-forward "old_rate()")
(let ((hover (lsp-request "textDocument/hover" (lsp--text-document-position-params))))
  (check "hover shows the reasoning"
         (string-match-p "Reasoning (elicited" (lsp:markup-content-value (lsp:hover-contents hover)))))
(set-mark (line-beginning-position 0))
(goto-char (line-end-position))
(activate-mark)
(let ((action (cl-find-if (lambda (a) (string-match-p "change as I say" (lsp:code-action-title a)))
                          (lsp-code-actions-at-point))))
  (check "the action is in the menu" action)
  (lsp-execute-code-action action)
  (check "this file changed"
         (wait-for 20 (lambda () (string-match-p "return rate()" (buffer-string))))))
(let ((other (find-buffer-visiting (concat folder "rates.py"))))
  (check "the other changed"
         (and other (with-current-buffer other (string-match-p "def rate()" (buffer-string))))))
(princ (format "lsp-mode in Emacs %s\n" emacs-version))
(dolist (workspace (lsp-workspaces)) (lsp-workspace-shutdown workspace))
(kill-emacs (if (zerop failed) 0 1))
