;;; emacs.el --- Postil in Emacs with eglot: what a user does, in batch  -*- lexical-binding: t -*-
;; emacs --batch -Q -l emacs.el FOLDER     exit code 1 when a check failed
;; Works with eglot 1.9 (Emacs 28) and with the one inside Emacs 30.

(when (< emacs-major-version 29)
  (dolist (folder (directory-files (getenv "POSTIL_TEST_ELPA") t "^[a-z]"))
    (add-to-list 'load-path folder)))
(require 'eglot)
(require 'flymake)
(require 'cl-lib)
(require 'seq)

(defvar folder (file-name-as-directory (car command-line-args-left)))
(setq command-line-args-left nil)
(setq make-backup-files nil create-lockfiles nil eglot-sync-connect 30 eglot-autoshutdown nil)
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
(setq project-find-functions (list (lambda (_) (cons 'transient folder))))

(defun action-titled (actions words)
  (seq-find (lambda (action) (string-match-p (regexp-quote words) (plist-get action :title)))
            actions))

(find-file (concat folder "caller.py"))
(check "a Python file" (eq major-mode 'python-mode))
(apply #'eglot (eglot--guess-contact))
(check "the server attaches" (wait-for 30 #'eglot-current-server))
(let ((server (eglot-current-server)))
  (flymake-mode 1)
  ;; locate: suspects as diagnostics, the finding among them
  (let ((said "") (report (find-file-noselect (concat folder "report.txt"))))
    (cl-letf (((symbol-function 'message)
               (lambda (text &rest values) (setq said (concat said (apply #'format text values))))))
      (with-temp-buffer
        (insert-buffer-substring report)
        (cl-letf (((symbol-function 'eglot-current-server) (lambda () server)))
          (postil-locate (point-min) (point-max))))
      (wait-for 60 (lambda () (string-match-p "Postil: done" said))))
    (check "a report is located" (string-match-p "Postil: done" said)))
  (flymake-start)
  (check "they are diagnostics"
         (wait-for 20 (lambda () (seq-find (lambda (d)
                                             (string-match-p "gives 3" (flymake-diagnostic-text d)))
                                           (flymake-diagnostics))))
         (mapcar #'flymake-diagnostic-text (flymake-diagnostics)))
  ;; hover: behind a character outside the basic plane, where encodings differ
  (goto-char (point-min))
  (search-forward "old_rate()")
  (let* ((hover (jsonrpc-request server :textDocument/hover (eglot--TextDocumentPositionParams)))
         (said (eglot--hover-info (plist-get hover :contents))))
    (check "hover shows the reasoning" (string-match-p "Reasoning (elicited" said)
           (substring-no-properties said)))
  ;; a code action over two files, as eglot itself runs it
  (let* ((line-start (line-beginning-position 0)) ; from the comment above, which says what to do
         (actions (eglot-code-actions line-start (line-end-position)))
         (action (action-titled actions "change as I say"))
         (eglot-confirm-server-initiated-edits nil)
         (eglot-confirm-server-edits nil))
    (check "the action is in the menu" action (mapcar (lambda (a) (plist-get a :title)) actions))
    (check "it brings no edit yet" (not (plist-get action :edit)))
    (cl-letf (((symbol-function 'y-or-n-p) (lambda (&rest _) t))
              ((symbol-function 'yes-or-no-p) (lambda (&rest _) t)))
      (if (fboundp 'eglot-execute)
          (eglot-execute server action)
        ;; eglot 1.9 knows no resolve: the server must have sent a command instead
        (let ((command (plist-get action :command)))
          (check "it is a command" (plist-get command :command))
          (eglot-execute-command server (intern (plist-get command :command))
                                 (plist-get command :arguments))))))
  (check "this file changed"
         (wait-for 20 (lambda () (string-match-p "return rate()" (buffer-string)))))
  (let ((other (find-buffer-visiting (concat folder "rates.py"))))
    (check "the other changed"
           (and other (with-current-buffer other (string-match-p "def rate()" (buffer-string))))))
  (eglot-shutdown server))
(princ (format "Emacs %s\n" emacs-version))
(kill-emacs (if (zerop failed) 0 1))
